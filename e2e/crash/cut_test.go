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

// TestKilledAtEveryWrite kills the service at each write of each transition in a workspace's life, just before the API server receives it
// or just after it was done, and starts it again: the workspace ends each transition as one whose service was not killed.
func TestKilledAtEveryWrite(t *testing.T) {
	env := shared.Env()
	svc, proxy := env.ThroughProxy(t)
	want := map[string]map[string]string{}
	for _, transition := range harness.Life() {
		env.Apply(t, svc, "cut-none", transition)
		want[transition.Name] = env.Snapshot(t, "cut-none")
	}
	kills := 0
	for _, when := range []string{"before", "after"} {
		for i := 1; *everyCut || i <= fewCuts; i++ {
			c := cut{id: fmt.Sprintf("cut-%s-%d", when, i), write: i, after: when == "after"}
			so := kills
			for _, transition := range harness.Life() {
				if cutAt(t, svc, proxy, c, func() { env.Apply(t, svc, c.id, transition) }) {
					kills++
				}
				if diff := cmp.Diff(want[transition.Name], env.Snapshot(t, c.id)); diff != "" {
					t.Errorf("%s, killed %s write %d (-undisturbed +killed):\n%s", transition.Name, when, i, diff)
				}
			}
			if kills == so {
				break // no transition has such a write
			}
		}
	}
	t.Logf("%d kills", kills)
	if kills < len(harness.Life()) {
		t.Errorf("only %d kills took place", kills)
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
		t.Fatalf("write %d was sent, and the service was not killed at it", c.write)
	}
	proxy.Set(nil)
	return reached
}
