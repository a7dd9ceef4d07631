package k8s

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// EchoPatience is how long the event of a write may take until somebody looks at what became of it.
const EchoPatience = 10 * time.Second

// echoes know the watch events that our own writes cause: nobody has to look at what was just made as it is wanted. A
// write either makes an object, or is guarded by the resourceVersion that it changes; so an event that shows exactly
// what it makes of exactly that is either its own or makes no difference. It may come before the write is answered.
//
// An event that never comes is no echo either: a watch that broke, and began anew after somebody had deleted what was
// written or taken our label off it, shows neither. The zero value is ready.
type echoes struct {
	mu       sync.Mutex
	expected map[string]echo
	unheard  int
}

// echo is what a write makes, of what, for which workspace, and when it was sent.
type echo struct {
	workspace, base, content string
	sent                     time.Time
}

// expect returns what was expected before, the zero echo where nothing was.
func (e *echoes) expect(key string, of echo) (before echo) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.expected == nil {
		e.expected = map[string]echo{}
	}
	before = e.expected[key]
	e.expected[key] = of
	return before
}

// withdraw expects of no more but what was expected before it, unless an event has come meanwhile.
func (e *echoes) withdraw(key string, of, before echo) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.expected[key] != of:
	case before == echo{}:
		delete(e.expected, key)
	default:
		e.expected[key] = before
	}
}

func (e *echoes) neverCame() float64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return float64(e.unheard)
}

// forget tells whether an event was expected.
func (e *echoes) forget(key string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	_, expected := e.expected[key]
	delete(e.expected, key)
	return expected
}

// heard tells whether an event is the echo that is expected. Whatever it is, none is expected after it.
func (e *echoes) heard(key, base, content string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	of, expected := e.expected[key]
	delete(e.expected, key)
	return expected && of.base == base && of.content == content
}

// Expecting writes what key names, of that workspace, so that the event of it is known: it shows content, made of the
// object of that resourceVersion, which guards the write, or of none where the write makes it. The write tells the resourceVersion
// that it has made; one that changes nothing has no event.
func (a *Applier) Expecting(workspace, key, resourceVersion, content string, write func() (made string, err error)) error {
	of := echo{workspace, resourceVersion, content, time.Now()}
	before := a.echoes.expect(key, of)
	made, err := write()
	if err != nil || made == resourceVersion {
		a.echoes.withdraw(key, of, before)
	}
	return err
}

// Heed has the next event of an object told, whoever has caused it, and tells whether one was expected: for what the cache doesn't
// show, although it may be there, and what follows from that.
func (a *Applier) Heed(o client.Object) bool { return a.echoes.forget(describe(o)) }

// Unheard are the workspaces of writes of which no watch has told for [EchoPatience], each write once: whoever asks must
// look at them. Writes are kept until then, so this wants to be asked often.
func (a *Applier) Unheard() sets.Set[string] {
	e, workspaces := &a.echoes, sets.New[string]()
	e.mu.Lock()
	defer e.mu.Unlock()
	for key, of := range e.expected {
		if time.Since(of.sent) >= EchoPatience {
			workspaces.Insert(of.workspace)
			delete(e.expected, key)
			e.unheard++
		}
	}
	return workspaces
}

// Expected tells whether an update from that resourceVersion to that content is by the write that Expecting last made.
func (a *Applier) Expected(key, resourceVersion, content string) bool {
	return a.echoes.heard(key, resourceVersion, content)
}

// CreatedByOthers tells whether a cached object appeared otherwise than by our own creation.
func (a *Applier) CreatedByOthers(o client.Object) bool {
	return !a.echoes.heard(describe(o), "", settled(o))
}

// ChangedByOthers is Changed otherwise than by our own write.
func (a *Applier) ChangedByOthers(before, after client.Object) bool {
	return Changed(before, after) && !a.echoes.heard(describe(after), before.GetResourceVersion(), settled(after))
}

// DeletedByAnyone is always true: an end matters, and ends what is expected.
func (a *Applier) DeletedByAnyone(o client.Object) bool {
	a.echoes.forget(describe(o))
	return true
}

// settled is the digest of a cached object that stays.
func settled(o client.Object) string {
	if !o.GetDeletionTimestamp().IsZero() {
		return ""
	}
	return o.GetAnnotations()[digestAnnotation]
}
