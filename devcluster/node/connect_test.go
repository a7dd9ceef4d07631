package node

import (
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
)

// startProxy serves CONNECT until the test ends.
func startProxy(t *testing.T) (socket string) {
	t.Helper()
	listener, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() { _ = serveConnectOn(listener) }()
	return listener.Addr().String()
}

func TestConnect_CarriesBothDirections(t *testing.T) {
	socket := startProxy(t)
	target, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer target.Close()
	go func() {
		conn, err := target.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		text, _ := io.ReadAll(conn) // until the client ends its direction
		_, _ = io.WriteString(conn, "heard "+string(text))
	}()
	conn, err := dialThrough(t.Context(), socket, target.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "hello"); err != nil {
		t.Fatal(err)
	}
	if err := closeWrite(conn); err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(conn); string(text) != "heard hello" || err != nil {
		t.Errorf("got %q, %v", text, err)
	}
}

func TestConnect_SaysWhyItCannotDial(t *testing.T) {
	target, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	target.Close()
	_, err = dialThrough(t.Context(), startProxy(t), target.Addr().String())
	if err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("got %v", err)
	}
}
