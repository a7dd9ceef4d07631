package webhook_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"platform.company.com/workspace-flyte-integration/internal/workspace/webhook"
)

const maxStreams = 64

// frames is a bare connection of HTTP/2, for what no client would send.
type frames struct {
	*testing.T
	*http2.Framer

	read     *atomic.Int64 // of the server
	settings map[http2.SettingID]uint32
}

// openHTTP2 connects to a server with this handler, and returns the settings that the server announces.
func openHTTP2(t *testing.T, handler http.Handler) *frames {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	certificate, read := example(t), new(atomic.Int64)
	server := webhook.NewServer("", handler, webhook.Timeouts{Provision: time.Minute}, slog.New(slog.DiscardHandler))
	secured := webhook.ListenTLS(server, metered{listener, read}, func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		return &certificate, nil
	})
	go func() { _ = server.Serve(secured) }()
	t.Cleanup(func() { _ = server.Close() })
	dialer := tls.Dialer{Config: &tls.Config{NextProtos: []string{"h2"}, InsecureSkipVerify: true}}
	c, err := dialer.DialContext(t.Context(), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if _, err := io.WriteString(c, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	f := &frames{T: t, Framer: http2.NewFramer(c, c), read: read, settings: map[http2.SettingID]uint32{}}
	f.must(f.WriteSettings())
	said, err := f.ReadFrame()
	if settings, ok := said.(*http2.SettingsFrame); ok {
		_ = settings.ForeachSetting(func(s http2.Setting) error { f.settings[s.ID] = s.Val; return nil })
	}
	f.must(err)
	f.must(f.WriteSettingsAck())
	return f
}

func (f *frames) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

// open begins a request whose body does not come.
func (f *frames) open(stream uint32, more ...hpack.HeaderField) {
	f.Helper()
	f.openAt(stream, hooks, more...)
}

func (f *frames) openAt(stream uint32, path string, more ...hpack.HeaderField) {
	f.Helper()
	f.must(f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: encodeAt(path, more), EndHeaders: true}))
}

func encode(more []hpack.HeaderField) []byte { return encodeAt(hooks, more) }

func encodeAt(path string, more []hpack.HeaderField) []byte {
	block := &bytes.Buffer{}
	encoder := hpack.NewEncoder(block)
	for _, field := range append([]hpack.HeaderField{
		{Name: ":method", Value: "POST"},
		{Name: ":path", Value: path},
		{Name: ":scheme", Value: "https"},
		{Name: ":authority", Value: "integration"},
	}, more...) {
		_ = encoder.WriteField(field)
	}
	return block.Bytes()
}

// until reads frames up to the wanted one. It fails when the server closes the connection.
func (f *frames) until(is func(http2.Frame) bool) error {
	for {
		frame, err := f.ReadFrame()
		if err != nil || is(frame) {
			return err
		}
	}
}

// resets matches a frame that resets this stream with one of the codes.
func resets(stream uint32, codes ...http2.ErrCode) func(http2.Frame) bool {
	return func(frame http2.Frame) bool {
		reset, ok := frame.(*http2.RSTStreamFrame)
		return ok && reset.StreamID == stream && strings.Contains(errorNames(codes), reset.ErrCode.String())
	}
}

func errorNames(codes []http2.ErrCode) (names string) {
	for _, code := range codes {
		names += " " + code.String()
	}
	return names
}

// blockedHandler is a handler whose requests stay until the test ends. It counts them.
func blockedHandler(t *testing.T) (handler http.Handler, begun *atomic.Int64) {
	t.Helper()
	begun, release := new(atomic.Int64), make(chan struct{})
	t.Cleanup(func() { close(release) })
	return http.HandlerFunc(func(http.ResponseWriter, *http.Request) { begun.Add(1); <-release }), begun
}

func TestListenTLS_AnnouncesItsHTTP2Limits(t *testing.T) {
	handler, _ := blockedHandler(t)
	got := openHTTP2(t, handler).settings
	want := map[http2.SettingID]uint32{
		http2.SettingMaxConcurrentStreams: maxStreams, http2.SettingMaxFrameSize: 64 << 10, http2.SettingInitialWindowSize: 64 << 10,
	}
	for id, value := range want {
		if got[id] != value {
			t.Errorf("%s is %d, want %d", id, got[id], value)
		}
	}
	if size := got[http2.SettingMaxHeaderListSize]; size < 16<<10 || size > 32<<10 {
		t.Errorf("headers may have %d bytes", size)
	}
}

// TestListenTLS_BoundsTheStreamsOfAConnection: one more than there may be is refused, and no handler sees it.
func TestListenTLS_BoundsTheStreamsOfAConnection(t *testing.T) {
	handler, begun := blockedHandler(t)
	f := openHTTP2(t, handler)
	for i := range uint32(maxStreams + 1) {
		f.open(2*i + 1)
	}
	if err := f.until(resets(2*maxStreams+1, http2.ErrCodeRefusedStream, http2.ErrCodeProtocol)); err != nil {
		t.Errorf("one more is not refused: %v", err)
	}
	if n := begun.Load(); n > maxStreams {
		t.Errorf("%d requests are under way", n)
	}
}

// TestListenTLS_ClosesAConnectionThatResetsRapidly (CVE-2023-44487): a stream that was reset is not under way for the protocol,
// but its handler may be. So many are begun, some wait, and then the connection ends.
func TestListenTLS_ClosesAConnectionThatResetsRapidly(t *testing.T) {
	handler, begun := blockedHandler(t)
	f := openHTTP2(t, handler)
	go func() {
		for i := range uint32(100_000) {
			if f.WriteHeaders(http2.HeadersFrameParam{StreamID: 2*i + 1, BlockFragment: encode(nil), EndHeaders: true}) != nil ||
				f.WriteRSTStream(2*i+1, http2.ErrCodeCancel) != nil {
				return
			}
		}
	}()
	calm := func(frame http2.Frame) bool {
		goAway, ok := frame.(*http2.GoAwayFrame)
		return ok && goAway.ErrCode == http2.ErrCodeEnhanceYourCalm
	}
	if err := f.until(calm); err != nil {
		t.Errorf("the connection is not told to be calm: %v", err)
	}
	if n := begun.Load(); n > maxStreams {
		t.Errorf("%d requests were begun", n)
	}
}

// TestListenTLS_BoundsHeadersThatNeverEnd (CVE-2023-45288): 10 MiB of CONTINUATION frames are not read to their end, and no
// handler sees them.
func TestListenTLS_BoundsHeadersThatNeverEnd(t *testing.T) {
	handler, begun := blockedHandler(t)
	f := openHTTP2(t, handler)
	padding := encode([]hpack.HeaderField{{Name: "x-padding", Value: strings.Repeat("x", 15<<10)}})
	go func() {
		if f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: padding}) != nil {
			return
		}
		for range 10 << 20 / (15 << 10) {
			more := &bytes.Buffer{}
			_ = hpack.NewEncoder(more).WriteField(hpack.HeaderField{Name: "x-padding", Value: strings.Repeat("y", 15<<10)})
			if f.WriteContinuation(1, false, more.Bytes()) != nil {
				return
			}
		}
	}()
	err := f.until(func(http2.Frame) bool { return false })
	if err == nil || errors.Is(err, http2.ErrFrameTooLarge) {
		t.Errorf("the connection did not end: %v", err)
	}
	if n := f.read.Load(); n > attackBytes {
		t.Errorf("%d bytes were read", n)
	}
	if n := begun.Load(); n > 0 {
		t.Errorf("a handler was called")
	}
}

// TestListenTLS_RefusesLargeHeaders that end: the request is answered, and no handler sees it.
func TestListenTLS_RefusesLargeHeaders(t *testing.T) {
	handler, begun := blockedHandler(t)
	f := openHTTP2(t, handler)
	f.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	padding := hpack.HeaderField{Name: "x-padding", Value: strings.Repeat("x", 8<<10)}
	f.open(1, padding, padding, padding)
	var status string
	err := f.until(func(frame http2.Frame) bool {
		headers, ok := frame.(*http2.MetaHeadersFrame)
		if ok {
			status = headers.PseudoValue("status")
		}
		return ok
	})
	if diff := cmp.Diff("431", status); err != nil || diff != "" || begun.Load() > 0 {
		t.Errorf("%v, %d handlers were called (-want +got):\n%s", err, begun.Load(), diff)
	}
}
