package e2e

import (
	"flag"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"platform.company.com/workspace-flyte-integration/devcluster/faultproxy"
	"platform.company.com/workspace-flyte-integration/devcluster/service"
)

var everyCut = flag.Bool("every-cut", false, "kill the service at every write of each episode, not at a few")

// fewCuts is how many writes of an episode are looked at without -every-cut: the first ones, where most of the order is.
const fewCuts = 2

// TestKilledAtEveryWrite kills the service at each write of each episode of a workspace's life, just before the API server
// gets it and just after it was done, and starts it again: the end is that of a life without a kill.
func TestKilledAtEveryWrite(t *testing.T) {
	svc, proxy := proxied(t)
	cuts := 0
	for n, e := range life {
		undisturbed := fmt.Sprintf("cut-%s-none", e.name)
		lived := func(id string, until int) {
			for _, past := range life[:until] {
				past.deliver(t, svc, id)
				settled(t, id, past.reason)
			}
		}
		lived(undisturbed, n+1)
		want := snapshot(t, undisturbed)
		for _, when := range []string{"before", "after"} {
			for i := 1; *everyCut || i <= fewCuts; i++ {
				id := fmt.Sprintf("cut-%s-%s-%d", e.name, when, i)
				lived(id, n)
				killed := cutAt(t, svc, proxy, cut{id: id, write: i, after: when == "after"}, func() {
					e.deliver(t, svc, id)
					settled(t, id, e.reason)
				})
				if diff := cmp.Diff(want, snapshot(t, id)); diff != "" {
					t.Errorf("%s, killed %s write %d (-undisturbed +killed):\n%s", e.name, when, i, diff)
				}
				if !killed {
					break // there is no such write
				}
				cuts++
			}
		}
	}
	t.Logf("%d kills", cuts)
	if cuts < len(life) {
		t.Errorf("only %d kills took place", cuts)
	}
}

func (e episode) deliver(t *testing.T, to *service.Service, id string) {
	t.Helper()
	if _, err := e.message(t, id).deliverTo(t.Context(), to); err != nil {
		t.Fatal(err)
	}
}

// cut is one moment to kill the service at.
type cut struct {
	id    string
	write int
	after bool
}

// cutAt lets do happen while the service is killed at the cut and started again. It tells whether there was such a write.
func cutAt(t *testing.T, svc *service.Service, proxy *faultproxy.Proxy, c cut, do func()) bool {
	t.Helper()
	var mu sync.Mutex
	writes := 0
	killed := make(chan bool, 1)
	kill := func() { svc.Kill(); killed <- true }
	proxy.Set(func(r *http.Request) faultproxy.Fault {
		if !changes(r) || !strings.Contains(r.URL.Path, c.id) && r.Method != http.MethodPost {
			return faultproxy.Fault{}
		}
		mu.Lock()
		defer mu.Unlock()
		writes++
		if writes != c.write {
			return faultproxy.Fault{}
		}
		if c.after {
			return faultproxy.Fault{After: kill, LoseAnswer: true}
		}
		return faultproxy.Fault{Before: kill, Status: http.StatusServiceUnavailable}
	})
	restarted := make(chan error, 1)
	go func() {
		if !<-killed {
			restarted <- nil
			return
		}
		restarted <- svc.Start(t.Context())
	}()
	do()
	mu.Lock()
	reached := writes >= c.write // what the last write does may show before the service is killed
	writes = max(writes, c.write)
	mu.Unlock()
	if !reached {
		killed <- false
	}
	select {
	case err := <-restarted:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(*patience):
		t.Fatalf("write %d was begun, and the service was not killed at it", c.write)
	}
	proxy.Set(nil)
	return reached
}
