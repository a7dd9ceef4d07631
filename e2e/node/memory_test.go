package node

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"platform.company.com/workspace-flyte-integration/devcluster/service"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
)

const (
	// scarce is far less memory than the chart gives: without the limit of Go's runtime, a short load gets the service killed.
	scarce      = "40Mi"
	scarceBytes = 40 << 20
	largestBody = 256 << 10
	floodFor    = 15 * time.Second
	flooding    = 64 // senders at a time
)

// scarceMemory gives the service little memory and sends the largest bodies to one replica. Go's garbage collector keeps to nine tenths of
// the limit, so the kernel kills nothing.
func scarceMemory(t *testing.T) {
	rolledOut(t)
	const id = "flooded"
	createWorkspace(t, id, "small")
	text, err := env.helm(t.Context(), append([]string{"upgrade", release, chart, "--wait", "--timeout", "3m"},
		values("resources.limits.memory="+scarce, "resources.requests.memory="+scarce)...)...)
	if err != nil {
		t.Fatalf("helm upgrade: %v\n%s", err, text)
	}
	rolledOut(t)
	pods, err := servicePods(t.Context())
	harness.Must(t, err)
	flooded := &pods[0]
	if got := scrape(t, flooded.Status.PodIP, "go_gc_gomemlimit_bytes"); got != scarceBytes/10*9 {
		t.Errorf("Go keeps to %.0f bytes, want nine tenths of %d", got, scarceBytes)
	}
	t.Logf("%d large bodies were answered", flood(t, "http://"+net.JoinHostPort(flooded.Status.PodIP, "8080"), id))
	peak := readCgroup(t, flooded, "memory", flooded.Spec.Containers[0].Name, "memory.max_usage_in_bytes")
	t.Logf("at most %s bytes of %d were used", peak, scarceBytes)
	pods, err = servicePods(t.Context())
	harness.Must(t, err)
	for i := range pods {
		if s := pods[i].Status.ContainerStatuses[0]; s.RestartCount != 0 {
			t.Errorf("%s was restarted: %+v", pods[i].Name, s.LastTerminationState.Terminated)
		}
	}
}

// flood sends stale events with bodies of the largest size, signed, and counts the answers.
func flood(t *testing.T, base, id string) int64 {
	t.Helper()
	body := harness.NewMessage(t, created, harness.Data(id, 1)).Body
	body = append(body, strings.Repeat(" ", largestBody-len(body))...)
	ctx, cancel := context.WithTimeout(t.Context(), floodFor)
	defer cancel()
	var group sync.WaitGroup
	var answers atomic.Int64
	for sender := range flooding {
		group.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				status, text, err := post(ctx, base, env.secret, service.Message{ID: fmt.Sprintf("msg_flood_%d_%d", sender, n), Body: body})
				switch {
				case ctx.Err() != nil:
				case err != nil || status >= http.StatusInternalServerError && status != http.StatusServiceUnavailable:
					t.Errorf("answered %d %s, %v", status, text, err)
					return
				default:
					answers.Add(1)
				}
			}
		})
	}
	group.Wait()
	return answers.Load()
}

// scrape returns a metric without labels of one replica.
func scrape(t *testing.T, ip, name string) (value float64) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+net.JoinHostPort(ip, "9090")+"/metrics", http.NoBody)
	harness.Must(t, err)
	response, err := env.http.Do(request)
	harness.Must(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	harness.Must(t, err)
	_, rest, found := strings.Cut(string(text), "\n"+name+" ")
	if _, err := fmt.Sscan(rest, &value); err != nil || !found {
		t.Fatalf("no metric %s: %v", name, err)
	}
	return value
}
