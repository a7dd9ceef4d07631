package k8s

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// cachedConfig is a ConfigMap as the cache shows it.
func cachedConfig(version, digest string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
		Name: "config", Namespace: "ns", ResourceVersion: version, Annotations: map[string]string{digestAnnotation: digest},
	}}
}

func TestEchoes_TellOwnWritesFromOthers(t *testing.T) {
	written := func() (string, error) { return "2", nil }
	deleted := cachedConfig("2", "wish")
	deleted.DeletionTimestamp = new(metav1.Now())
	created := func(after client.Object) func(*Applier) bool {
		return func(a *Applier) bool { return a.CreatedByOthers(after) }
	}
	changed := func(before, after client.Object) func(*Applier) bool {
		return func(a *Applier) bool { return a.ChangedByOthers(before, after) }
	}
	before, after := cachedConfig("1", "other"), cachedConfig("2", "wish")
	for _, c := range []struct {
		name, base string
		event      func(*Applier) bool
		others     bool
	}{
		{"our creation", "", created(after), false},
		{"a creation, and already changed", "", created(cachedConfig("3", "other")), true},
		{"a creation, and already deleted", "", created(deleted), true},
		{"a creation that we did not make", "1", created(after), true},
		{"our change", "1", changed(before, after), false},
		{"a change of something newer", "1", changed(cachedConfig("3", "other"), cachedConfig("4", "wish")), true},
		{"a change to something else", "1", changed(before, cachedConfig("2", "third")), true},
		{"a change, and already deleted", "1", changed(before, deleted), true},
		{"no change", "", changed(before, cachedConfig("2", "other")), false},
	} {
		a := &Applier{}
		must(t, a.Expecting("team", describe(after), c.base, "wish", written))
		if got := c.event(a); got != c.others {
			t.Errorf("%s: by others: %v", c.name, got)
		}
	}
}

func TestEchoes_EndWithTheNextEvent(t *testing.T) {
	o := cachedConfig("2", "wish")
	for name, event := range map[string]func(*Applier){
		"the echo itself": func(a *Applier) { a.CreatedByOthers(o) },
		"another change":  func(a *Applier) { a.ChangedByOthers(cachedConfig("2", "wish"), cachedConfig("3", "other")) },
		"the end":         func(a *Applier) { a.DeletedByAnyone(o) },
	} {
		a := &Applier{}
		must(t, a.Expecting("team", describe(o), "", "wish", func() (string, error) { return "2", nil }))
		event(a)
		if !a.CreatedByOthers(o) {
			t.Errorf("%s: the same again, by somebody else, is taken for ours", name)
		}
	}
}

// The event may come before the answer, and no event at all for what failed.
func TestEchoes_BeforeTheAnswer(t *testing.T) {
	a, o := &Applier{}, cachedConfig("2", "wish")
	err := a.Expecting("team", describe(o), "", "wish", func() (string, error) {
		if a.CreatedByOthers(o) {
			t.Error("an event before the answer is not known")
		}
		return "2", nil
	})
	must(t, err)
	if a.Expecting("team", describe(o), "", "wish", func() (string, error) { return "", errNotYet }) == nil {
		t.Error("the error is lost")
	}
	if !a.CreatedByOthers(o) {
		t.Error("what failed is still expected")
	}
}

// answeredLate has each patch answered when the watch has told of it.
type answeredLate struct {
	client.Client
	told func(client.Object)
}

func (c answeredLate) Patch(ctx context.Context, o client.Object, patch client.Patch, options ...client.PatchOption) error {
	err := c.Client.Patch(ctx, o, patch, options...)
	c.told(o)
	return err
}

// What has lost our label is not in the cache: the event of the write that gives it back is that of a creation.
func TestEchoes_OfWhatTheCacheDoesNotShow(t *testing.T) {
	k, p := newKube(t), samplePlan("relabelled")
	a, config := k.applier(), p.ConfigObject()
	apply(t, a, p.NamespaceObject())
	apply(t, a, config)
	changeByHand(t, k, config, func(o client.Object) { o.SetLabels(nil) })
	a.echoes.expected = nil
	a.Client = answeredLate{k.client, func(o client.Object) {
		waitForCache(t, k, o)
		cached := like(o)
		must(t, k.client.Get(t.Context(), client.ObjectKeyFromObject(o), cached))
		if a.CreatedByOthers(cached) {
			t.Error("the event of our own write is not known")
		}
	}}
	apply(t, a, config)
	if len(a.echoes.expected) != 0 {
		t.Errorf("after all events, more are expected: %v", a.echoes.expected)
	}
}

// What the cache doesn't show is not there for Remove; when it comes, somebody must look, although it is our own.
func TestEchoes_OfWhatIsNotWantedAnyMore(t *testing.T) {
	k, p := newKube(t), samplePlan("unwanted")
	a, config := k.applier(), p.ConfigObject()
	apply(t, a, p.NamespaceObject())
	made := like(config)
	must(t, a.Expecting("ws-001", describe(config), "", digest(config), func() (string, error) { return "1", nil }))
	must(t, a.Remove(t.Context(), config)) // before the watch tells
	made.SetAnnotations(map[string]string{digestAnnotation: digest(config)})
	made.SetNamespace(config.GetNamespace())
	made.SetName(config.GetName())
	if !a.CreatedByOthers(made) {
		t.Error("nobody will look at what was made, and must not be")
	}
}

// stale is a client whose cache shows an object as it once was.
type stale struct {
	client.Client
	was *corev1.ConfigMap
}

func (c stale) Get(_ context.Context, _ client.ObjectKey, o client.Object, _ ...client.GetOption) error {
	c.was.DeepCopyInto(o.(*corev1.ConfigMap))
	return nil
}

// What a late cache doesn't show as it is wanted is looked at again: somebody may undo it before the watch tells.
func TestEchoes_OfWhatIsAsWantedAlready(t *testing.T) {
	k, p := newKube(t), samplePlan("late-cache")
	apply(t, k.applier(), p.NamespaceObject())
	want := p.ConfigObject()
	apply(t, k.applier(), want)
	was := cachedConfig("1", "an older wish")
	was.Namespace, was.Name = want.GetNamespace(), want.GetName()
	a := &Applier{Client: stale{k.client, was}, Live: k.live}
	apply(t, a, want)
	if _, expected := a.echoes.expected[describe(want)]; !expected {
		t.Error("nobody will look whether it stays so")
	}
}

// A write that is refused, or changes nothing, has no event; that of an earlier one is still to come.
func TestEchoes_OfEarlierWrites(t *testing.T) {
	for name, write := range map[string]func() (string, error){
		"refused":          func() (string, error) { return "", errNotYet },
		"without a change": func() (string, error) { return "2", nil },
	} {
		a, before, after := &Applier{}, cachedConfig("1", "other"), cachedConfig("2", "wish")
		_ = a.Expecting("team", describe(after), "2", "third", write)
		if len(a.echoes.expected) != 0 {
			t.Errorf("%s: its event is expected", name)
		}
		must(t, a.Expecting("team", describe(after), "1", "wish", func() (string, error) { return "2", nil }))
		_ = a.Expecting("team", describe(after), "2", "third", write)
		if a.ChangedByOthers(before, after) {
			t.Errorf("%s: the event of the write before it is not known", name)
		}
	}
}

func TestEchoes_NameWhatNeverComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, o := &Applier{}, cachedConfig("2", "wish")
		expect := func(workspace, key string) {
			t.Helper()
			must(t, a.Expecting(workspace, key, "", "wish", func() (string, error) { return "2", nil }))
		}
		unheard := func(want ...string) {
			t.Helper()
			if got := a.Unheard(); !got.Equal(sets.New(want...)) {
				t.Errorf("unheard are %v, want %v", sets.List(got), want)
			}
		}
		expect("heard", describe(o))
		expect("lost", "one")
		expect("lost", "two")
		a.CreatedByOthers(o)
		time.Sleep(EchoPatience - time.Millisecond) //nolint:forbidigo // the bubble's time: nothing waits
		expect("later", "three")
		unheard()
		time.Sleep(time.Millisecond) //nolint:forbidigo // the bubble's time: nothing waits
		unheard("lost")
		unheard()
		time.Sleep(EchoPatience) //nolint:forbidigo // the bubble's time: nothing waits
		unheard("later")
		if len(a.echoes.expected) != 0 {
			t.Errorf("%d writes are remembered for ever", len(a.echoes.expected))
		}
		if n := a.echoes.neverCame(); n != 3 {
			t.Errorf("%v writes are counted as unheard, want 3", n)
		}
	})
}
