package store

import (
	"context"
	"fmt"
	"testing"

	"golang.org/x/sync/errgroup"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// neverStores is a client whose writes succeed and change nothing, so that only our own cost is measured.
type neverStores struct{ client.Client }

func (neverStores) Create(context.Context, client.Object, ...client.CreateOption) error { return nil }

// A new Workspace must not cost more beside many others.
func BenchmarkStore_RecordBeside(b *testing.B) {
	const writers = 32
	k, existing := newKube(b), 0
	s, err := New(b.Context(), neverStores{k.Client}, k.Live, k.Cache, workspace.NewLimits(9000))
	must(b, err)
	for _, beside := range []int{100, 1000, 5000} {
		var group errgroup.Group
		group.SetLimit(writers)
		for ; existing < beside; existing++ {
			w := workspace.New(fmt.Sprint("bench-", existing))
			group.Go(func() error { return k.Admin.Create(b.Context(), w) })
		}
		must(b, group.Wait())
		eventually(b, func(context.Context) error {
			if s.watch.fewerThan(beside) {
				return errNotCached
			}
			return nil
		})
		b.Run(fmt.Sprint(beside), func(b *testing.B) {
			e := event(workspace.EventCreated, "bench-new", 1)
			b.ReportAllocs()
			for b.Loop() {
				_, _, err := s.Record(b.Context(), e, delivery(e))
				must(b, err)
			}
		})
	}
}
