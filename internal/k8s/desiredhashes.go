package k8s

import (
	"hash/maphash"
	"sync"
)

// maxDesiredHashes bounds the memory to some megabytes: 10,000 workspaces have 100,000 objects, besides those of tiers' templates. With
// more, some repairs are not reported as such.
const maxDesiredHashes = 250_000

// desiredHashes has, for each object, the hash with which it was last as desired since the start of the process. A write with the same hash
// repairs the object; a write with another one follows a change of what is desired.
type desiredHashes struct {
	mu   sync.Mutex
	seed maphash.Seed
	last map[uint64]uint64 // by the object's name, both shortened by maphash
}

func newDesiredHashes() *desiredHashes {
	return &desiredHashes{seed: maphash.MakeSeed(), last: map[uint64]uint64{}}
}

// record notes that the object is as desired, with this hash.
func (d *desiredHashes) record(object, hash string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.last) >= maxDesiredHashes {
		clear(d.last)
	}
	d.last[maphash.String(d.seed, object)] = maphash.String(d.seed, hash)
}

// matches reports whether the object was last as desired with this hash.
func (d *desiredHashes) matches(object, hash string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	last, known := d.last[maphash.String(d.seed, object)]
	return known && last == maphash.String(d.seed, hash)
}

// remove is for an object that is no longer desired.
func (d *desiredHashes) remove(object string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.last, maphash.String(d.seed, object))
}
