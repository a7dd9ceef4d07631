package crash

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
	"platform.company.com/workspace-flyte-integration/e2e/harness"
)

var everyCut = flag.Bool("every-cut", false, "kill the service at every write of each transition, not at a few")

// fewCuts is at how many writes of a transition the service is killed without -every-cut: the first ones, whose order matters most.
const fewCuts = 2

// TestKilledAtEveryWrite kills the service at each write of each transition in a workspace's life, just before the API server receives it or
// just after it was done, and starts it again: the workspace ends as one whose service was not killed.
func TestKilledAtEveryWrite(t *testing.T) {
	env := shared.Env()
	svc, proxy := env.ThroughProxy(t)
	cuts := 0
	for n, transition := range harness.Life() {
		before := harness.Life()[:n]
		undisturbed := fmt.Sprintf("cut-%s-none", transition.Name)
		env.Apply(t, svc, undisturbed, harness.Life()[:n+1]...)
		want := env.Snapshot(t, undisturbed)
		for _, when := range []string{"before", "after"} {
			for i := 1; *everyCut || i <= fewCuts; i++ {
				id := fmt.Sprintf("cut-%s-%s-%d", transition.Name, when, i)
				env.Apply(t, svc, id, before...)
				killed := cutAt(t, svc, proxy, cut{id: id, write: i, after: when == "after"}, func() { env.Apply(t, svc, id, transition) })
				if diff := cmp.Diff(want, env.Snapshot(t, id)); diff != "" {
					t.Errorf("%s, killed %s write %d (-undisturbed +killed):\n%s", transition.Name, when, i, diff)
				}
				if !killed {
					break // there is no such write
				}
				cuts++
			}
		}
	}
	t.Logf("%d kills", cuts)
	if cuts < len(harness.Life()) {
		t.Errorf("only %d kills took place", cuts)
	}
}

// cut is a moment at which the service is killed.
type cut struct {
	id    string
	write int
	after bool
}

// cutAt calls do, and kills the service at the cut and starts it again. It reports whether there was such a write.
func cutAt(t *testing.T, svc *service.Service, proxy *faultproxy.Proxy, c cut, do func()) bool {
	t.Helper()
	var mu sync.Mutex
	writes := 0
	killed := make(chan bool, 1)
	kill := func() { svc.Kill(); killed <- true }
	proxy.Set(func(r *http.Request) faultproxy.Fault {
		if !harness.IsWrite(r) || !strings.Contains(r.URL.Path, c.id) && r.Method != http.MethodPost {
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
	reached := writes >= c.write // the effect of the last write may be visible before the service is killed
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
	case <-time.After(*harness.Patience):
		t.Fatalf("write %d was begun, and the service was not killed at it", c.write)
	}
	proxy.Set(nil)
	return reached
}
