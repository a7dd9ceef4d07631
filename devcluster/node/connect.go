package node

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

const dialTimeout = 10 * time.Second

// serveConnect serves HTTP CONNECT on a unix socket: it dials from the network of this process.
func serveConnect(socket string) error {
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return fmt.Errorf("listening for the CONNECT proxy: %w", err)
	}
	return serveConnectOn(listener)
}

func serveConnectOn(listener net.Listener) error {
	server := &http.Server{Handler: http.HandlerFunc(connect), ReadHeaderTimeout: dialTimeout}
	return server.Serve(listener)
}

func connect(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodConnect {
		http.Error(w, "only CONNECT", http.StatusMethodNotAllowed)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), dialTimeout)
	defer cancel()
	target, err := new(net.Dialer).DialContext(ctx, "tcp", r.Host)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	client, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		target.Close()
		return
	}
	_, _ = io.WriteString(client, "HTTP/1.1 200 OK\r\n\r\n") // if it fails, so does the copying
	join(&bufferedConn{Conn: client, reader: buffered.Reader}, target)
}

// dialThrough dials an address through the CONNECT proxy at a socket.
func dialThrough(ctx context.Context, socket, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "unix", socket)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	if _, err := fmt.Fprintf(conn, "CONNECT %s HTTP/1.1\r\nHost: %[1]s\r\n\r\n", address); err != nil {
		conn.Close()
		return nil, err
	}
	reader := bufio.NewReader(conn)
	if err := readConnected(reader); err != nil {
		conn.Close()
		return nil, fmt.Errorf("dialing %s: %w", address, err)
	}
	return &bufferedConn{Conn: conn, reader: reader}, nil
}

// readConnected reads the response to CONNECT. After 200 the connection carries the target's bytes, so there is no body to close.
func readConnected(reader *bufio.Reader) error {
	response, err := http.ReadResponse(reader, &http.Request{Method: http.MethodConnect})
	if err != nil {
		return err
	}
	if response.StatusCode == http.StatusOK {
		return nil
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	return errors.New(strings.TrimSpace(string(text)))
}

// bufferedConn is a connection of which some bytes were read ahead.
type bufferedConn struct {
	net.Conn
	reader *bufio.Reader
}

func (c *bufferedConn) Read(p []byte) (int, error) { return c.reader.Read(p) }

// CloseWrite ends one direction.
func (c *bufferedConn) CloseWrite() error { return closeWrite(c.Conn) }

func closeWrite(c net.Conn) error {
	if half, ok := c.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return c.Close()
}

// forward accepts connections and joins each with a new one.
func forward(listener net.Listener, dial func() (net.Conn, error)) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			target, err := dial()
			if err != nil {
				conn.Close()
				return
			}
			join(conn, target)
		}()
	}
}

// join copies both ways until both directions have ended.
func join(a, b net.Conn) {
	defer a.Close()
	defer b.Close()
	var group sync.WaitGroup
	for _, pair := range [][2]net.Conn{{a, b}, {b, a}} {
		group.Go(func() {
			_, _ = io.Copy(pair[0], pair[1])
			_ = closeWrite(pair[0])
		})
	}
	group.Wait()
}
