package k8s

import (
	"hash/maphash"
	"sync"
)

// maxForms bounds the memory to some megabytes: 10,000 workspaces have 100,000 objects.
const maxForms = 250_000

// forms remember in which form each object was last seen to be as desired, since the start of the process. They tell a repair from a write
// that makes an object what it was not before.
type forms struct {
	mu   sync.Mutex
	seed maphash.Seed
	last map[uint64]uint64 // hash of the object's name → hash of its form
}

func newForms() *forms { return &forms{seed: maphash.MakeSeed(), last: map[uint64]uint64{}} }

// saw remembers that the object was in this form, as desired.
func (f *forms) saw(object, form string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.last) >= maxForms {
		clear(f.last)
	}
	f.last[maphash.String(f.seed, object)] = maphash.String(f.seed, form)
}

// had reports whether the object was last seen as desired in this form.
func (f *forms) had(object, form string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	last, known := f.last[maphash.String(f.seed, object)]
	return known && last == maphash.String(f.seed, form)
}

// forget is for an object that is no longer desired.
func (f *forms) forget(object string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.last, maphash.String(f.seed, object))
}
