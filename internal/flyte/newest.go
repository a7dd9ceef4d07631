package flyte

import "sync/atomic"

// newest is the newest token. It is safe for concurrent use; the zero value holds none.
type newest struct{ pointer atomic.Pointer[granted] }

func (n *newest) get() *granted  { return n.pointer.Load() }
func (n *newest) set(g *granted) { n.pointer.Store(g) }

// drop forgets a token, unless there is a newer one.
func (n *newest) drop(g *granted) { n.pointer.CompareAndSwap(g, nil) }
