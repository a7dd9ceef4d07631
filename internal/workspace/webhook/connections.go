package webhook

import (
	"container/list"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
)

// connections bounds how many connections are open. At the limit, a new connection evicts the one that has been without a
// POST for longest. There always is one: the POSTs under way are bounded by far less (maxReading, maxStoring, maxWaiting).
type connections struct {
	mu   sync.Mutex
	open map[net.Conn]*connection
	idle *list.List // of *connection; the one that was opened or had a POST last is at the back
}

type connection struct {
	net.Conn

	pool    *connections
	element *list.Element // in pool.idle; nil while POSTs are under way
	posts   int
}

// boundConnections makes the server track its connections.
func boundConnections(s *http.Server) {
	c := &connections{open: map[net.Conn]*connection{}, idle: list.New()}
	s.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
		return context.WithValue(ctx, connectionKey{}, c.add(conn))
	}
	s.ConnState = func(conn net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			c.remove(conn)
		}
	}
}

type connectionKey struct{}

// pin protects the connection of a request from eviction until unpin is called.
func pin(ctx context.Context) (unpin func()) {
	conn, ok := ctx.Value(connectionKey{}).(*connection)
	if !ok {
		return func() {} // the server is not made by NewServer
	}
	conn.addPosts(1)
	return func() { conn.addPosts(-1) }
}

func (c *connections) add(conn net.Conn) *connection {
	c.mu.Lock()
	defer c.mu.Unlock()
	if front := c.idle.Front(); front != nil && len(c.open) >= maxConnections {
		oldest, _ := front.Value.(*connection)
		c.drop(oldest)
		oldest.abort()
	}
	added := &connection{Conn: conn, pool: c}
	added.element = c.idle.PushBack(added)
	c.open[conn] = added
	return added
}

func (c *connections) remove(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known, ok := c.open[conn]; ok {
		c.drop(known)
	}
}

func (c *connections) drop(conn *connection) {
	delete(c.open, conn.Conn)
	conn.setBusy()
}

func (c *connection) setBusy() {
	if c.element != nil {
		c.pool.idle.Remove(c.element)
		c.element = nil
	}
}

// abort closes the TCP connection at once: a TLS connection would first wait for its closing alert.
func (c *connection) abort() {
	conn := c.Conn
	if encrypted, ok := conn.(*tls.Conn); ok {
		conn = encrypted.NetConn()
	}
	_ = conn.Close()
}

// addPosts changes the number of POSTs under way.
func (c *connection) addPosts(n int) {
	c.pool.mu.Lock()
	defer c.pool.mu.Unlock()
	c.posts += n
	_, open := c.pool.open[c.Conn]
	switch {
	case !open:
	case c.posts == 0:
		c.element = c.pool.idle.PushBack(c)
	default:
		c.setBusy()
	}
}
