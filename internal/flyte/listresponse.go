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

// The field numbers of a list response, the same in both versions.
const (
	entriesField = 1
	tokenField   = 2
)

// maxTokenBytes bounds a page token. Flyte's are decimal numbers.
const maxTokenBytes = 1 << 10

// listResponse reads the response of a list call. It passes the entries to each, one by one, and keeps none: a decoded page can take
// a hundred times as much memory as on the wire.
type listResponse struct {
	// nested is true for Flyte 2, which wraps entries and token into one more message.
	nested bool
	// maxEntries is how many entries the server may send, any number if 0.
	maxEntries int
	each       func(entry []byte) error
	// token is that of the next page, empty on the last.
	token        string
	bytes, count int
}

// list calls a method and reads its response.
func list(
	ctx context.Context, conn grpc.ClientConnInterface, method string, request any, response *listResponse, options ...grpc.CallOption,
) error {
	return conn.Invoke(ctx, method, request, response, append(options, grpc.ForceCodecV2(listCodec{encoding.GetCodecV2("proto")}))...)
}

// decoding decodes each entry on its own, and skips those that are larger than any entry of ours.
func decoding[M any, P interface {
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

// listCodec is gRPC's own codec, except that it decodes into a listResponse.
type listCodec struct{ encoding.CodecV2 }

// Unmarshal implements encoding.CodecV2. Only list uses this codec.
func (listCodec) Unmarshal(data mem.BufferSlice, response any) error {
	r, ok := response.(*listResponse)
	if !ok {
		return fmt.Errorf("decoding a list response into a %T", response)
	}
	buffer := data.MaterializeToBuffer(mem.DefaultBufferPool())
	defer buffer.Free()
	r.bytes = buffer.Len()
	return r.decode(buffer.ReadOnlyData())
}

func (r *listResponse) decode(message []byte) error {
	return forEachField(message, func(field protowire.Number, value []byte) error {
		switch {
		case field == entriesField && r.nested:
			inner := listResponse{each: r.each, maxEntries: r.maxEntries}
			err := inner.decode(value)
			r.token = inner.token
			return err
		case field == entriesField:
			r.count++
			if r.maxEntries > 0 && r.count > r.maxEntries {
				return fmt.Errorf("the page has more than the %d entries that were requested", r.maxEntries)
			}
			return r.each(value)
		case field == tokenField && len(value) > maxTokenBytes:
			return errors.New("the page token is too long")
		case field == tokenField:
			r.token = string(value)
		}
		return nil
	})
}

// forEachField calls do for each field of a message that is a message or a string.
func forEachField(message []byte, do func(field protowire.Number, value []byte) error) error {
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
