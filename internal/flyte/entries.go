package flyte

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// The fields of an answer that lists something, the same in both versions.
const (
	entriesField = 1
	tokenField   = 2
)

// maxTokenBytes bounds a page token; those of Flyte are decimal numbers.
const maxTokenBytes = 1 << 10

// entries is the answer of a listing. Its entries are given to each one by one and not kept: decoded, a page can take a hundred
// times as much memory as on the wire.
type entries struct {
	// nested is true of Flyte 2, which wraps entries and token into one more message.
	nested bool
	// most is how many entries may come, any number if 0.
	most int
	each func(entry []byte) error
	// token is that of the next page, empty on the last.
	token        string
	bytes, count int
}

// list makes a call whose answer it reads.
func list(
	ctx context.Context, conn grpc.ClientConnInterface, method string, request any, answer *entries, options ...grpc.CallOption,
) error {
	return conn.Invoke(ctx, method, request, answer, append(options, grpc.ForceCodecV2(entriesCodec{encoding.GetCodecV2("proto")}))...)
}

// decoded decodes each entry on its own, but for those that are too large to be anything of ours.
func decoded[M any, P interface {
	*M
	proto.Message
}](each func(P)) func(entry []byte) error {
	return func(entry []byte) error {
		if len(entry) > maxEntryBytes {
			return nil
		}
		message := P(new(M))
		if err := proto.Unmarshal(entry, message); err != nil {
			return err
		}
		each(message)
		return nil
	}
}

// entriesCodec reads an answer into entries, and is otherwise gRPC's own.
type entriesCodec struct{ encoding.CodecV2 }

// Unmarshal is of encoding.CodecV2. Calls with this codec are made by list alone.
func (entriesCodec) Unmarshal(data mem.BufferSlice, answer any) error {
	e, ok := answer.(*entries)
	if !ok {
		return fmt.Errorf("an answer of type %T is no listing", answer)
	}
	text := data.MaterializeToBuffer(mem.DefaultBufferPool())
	defer text.Free()
	e.bytes = text.Len()
	return e.read(text.ReadOnlyData())
}

func (e *entries) read(message []byte) error {
	return eachField(message, func(field protowire.Number, value []byte) error {
		switch {
		case field == entriesField && e.nested:
			inner := entries{each: e.each, most: e.most}
			err := inner.read(value)
			e.token = inner.token
			return err
		case field == entriesField:
			e.count++
			if e.most > 0 && e.count > e.most {
				return fmt.Errorf("it has more than the %d entries that were asked for", e.most)
			}
			return e.each(value)
		case field == tokenField && len(value) > maxTokenBytes:
			return errors.New("the page token is too long")
		case field == tokenField:
			e.token = string(value)
		}
		return nil
	})
}

// eachField tells the fields of a message that are messages or text.
func eachField(message []byte, do func(field protowire.Number, value []byte) error) error {
	for len(message) > 0 {
		field, kind, length := protowire.ConsumeTag(message)
		if length < 0 {
			return protowire.ParseError(length)
		}
		message = message[length:]
		if length = protowire.ConsumeFieldValue(field, kind, message); length < 0 {
			return protowire.ParseError(length)
		}
		if kind == protowire.BytesType {
			value, _ := protowire.ConsumeBytes(message)
			if err := do(field, value); err != nil {
				return err
			}
		}
		message = message[length:]
	}
	return nil
}
