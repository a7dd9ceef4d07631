package webhook

import (
	"container/list"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
)

// connections bounds how many are open. Nobody is kept out for the sake of the others: one more, and the oldest on which
// no POST is under way is closed. POSTs are bounded by far less (maxReading, maxStoring, maxWaiting), so there is one.
type connections struct {
	mu   sync.Mutex
	open map[net.Conn]*connection
	idle *list.List // of *connection, by when they were opened or last had a POST
}

// connection is one that is open.
type connection struct {
	net.Conn

	all   *connections
	place *list.Element // nil while POSTs are under way
	posts int
}

// boundConnections makes the server count its connections.
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

// hold keeps the connection of a request until it is let go of.
func hold(ctx context.Context) (letGo func()) {
	conn, ok := ctx.Value(connectionKey{}).(*connection)
	if !ok {
		return func() {} // not one of a server of ours
	}
	conn.count(1)
	return func() { conn.count(-1) }
}

func (c *connections) add(conn net.Conn) *connection {
	c.mu.Lock()
	defer c.mu.Unlock()
	if oldest := c.idle.Front(); oldest != nil && len(c.open) >= maxConnections {
		victim, _ := oldest.Value.(*connection)
		c.forget(victim)
		victim.cut()
	}
	added := &connection{Conn: conn, all: c}
	added.place = c.idle.PushBack(added)
	c.open[conn] = added
	return added
}

func (c *connections) remove(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known, ok := c.open[conn]; ok {
		c.forget(known)
	}
}

func (c *connections) forget(known *connection) {
	delete(c.open, known.Conn)
	if known.place != nil {
		c.idle.Remove(known.place)
		known.place = nil
	}
}

// cut closes without a farewell, for which TLS would wait.
func (c *connection) cut() {
	conn := c.Conn
	if encrypted, ok := conn.(*tls.Conn); ok {
		conn = encrypted.NetConn()
	}
	_ = conn.Close()
}

// count adds to the POSTs that are under way.
func (c *connection) count(n int) {
	c.all.mu.Lock()
	defer c.all.mu.Unlock()
	c.posts += n
	_, open := c.all.open[c.Conn]
	switch {
	case !open:
	case c.posts == 0:
		c.place = c.all.idle.PushBack(c)
	case c.place != nil:
		c.all.idle.Remove(c.place)
		c.place = nil
	}
}
