package scale

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"sync"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/devcluster/service"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
	"platform.company.com/workspace-flyte-integration/internal/deploy"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

var heavy = flag.Int("heavy", 4, "how many workspaces of the largest size TestMemoryLimit makes")

const (
	// largestBody is just below the 256 KiB that the edge reads, mostMembers are all that a workspace may have.
	largestBody, mostMembers = 255 << 10, 1000
	// mostReading is how many bodies the edge reads at a time.
	mostReading = 1024
)

// TestMemoryLimit creates workspaces of the largest size, and then sends as many of their bodies at once as the edge reads at a time. The
// service never has more memory resident than the chart's limit.
func TestMemoryLimit(t *testing.T) {
	env := shared.Env()
	container := chartContainer(t)
	limit := container.Resources.Limits.Memory().Value()
	for _, variable := range container.Env {
		if variable.ValueFrom == nil {
			env.Service.Set(variable.Name, variable.Value)
		}
	}
	env.Service.Set("GOMEMLIMIT", strconv.FormatInt(limit*9/10, 10)) // as in a container
	env.Kill(t, func() {})                                           // it starts with that environment, and a new peak
	measured, err := env.Service.Measure(t.Context())
	harness.Must(t, err)
	if got := measured.Sum("go_gc_gogc_percent"); got != 60 {
		t.Errorf("garbage is collected when the heap has grown by %.0f %%, want 60", got)
	}
	started := peak(t)
	messages := heavyMessages(t)
	for i, m := range messages { // one by one: one of this size keeps an API server busy for a good while
		env.Deliver(t, m)
		env.AwaitReason(t, fmt.Sprintf("heavy-%d", i), v1alpha1.ReasonReady)
	}
	made := peak(t)
	answers := allAtOnce(t, messages)
	env.Deliver(t, harness.NewMessage(t, workspace.EventCreated, harness.Data("light", 1)))
	env.AwaitReason(t, "light", v1alpha1.ReasonReady)
	t.Logf("at most %d MiB at the start, %d MiB with %d workspaces, %d MiB with %d bodies at once, answered %v; the chart's limit is %d MiB",
		started>>20, made>>20, len(messages), peak(t)>>20, mostReading, answers, limit>>20)
	if limit == 0 || peak(t) >= limit {
		t.Errorf("%d bytes are not less than the chart's limit, %d", peak(t), limit)
	}
}

// heavyMessages make workspaces with the most members, by events as large as the edge takes.
func heavyMessages(t *testing.T) (all []service.Message) {
	t.Helper()
	for i := range *heavy {
		data := harness.Data(fmt.Sprintf("heavy-%d", i), 1)
		data.Members = make([]v1alpha1.Member, mostMembers)
		fill := func(width int) service.Message {
			for n := range data.Members {
				name := fmt.Sprintf("%0*d", width, n)
				data.Members[n] = v1alpha1.Member{Kind: v1alpha1.MemberUser, Name: v1alpha1.Text(name), Role: v1alpha1.RoleEditor}
			}
			return harness.NewMessage(t, workspace.EventCreated, data)
		}
		const few = 10
		all = append(all, fill(few+(largestBody-len(fill(few).Body))/mostMembers))
	}
	return all
}

// allAtOnce sends as many bodies as the edge reads at a time, and counts the answers. All were sent before, so nothing is written. The edge
// may cut off slow senders, but not all of them.
func allAtOnce(t *testing.T, messages []service.Message) map[string]int {
	t.Helper()
	env := shared.Env()
	var mu sync.Mutex
	var senders sync.WaitGroup
	counts := map[string]int{}
	for i := range mostReading {
		senders.Go(func() {
			r, err := env.Service.Post(t.Context(), messages[i%len(messages)])
			answer := strconv.Itoa(r.Status)
			if err != nil {
				answer = "cut off"
			}
			mu.Lock()
			defer mu.Unlock()
			counts[answer]++
		})
	}
	senders.Wait()
	if counts["200"] < mostReading/8 {
		t.Errorf("only %d of %d bodies were taken", counts["200"], mostReading)
	}
	return counts
}

// chartContainer is what the chart says of the container, with values that change nothing about it.
func chartContainer(t *testing.T) (c corev1.Container) {
	t.Helper()
	objects, err := deploy.Render(deploy.Options{Namespace: service.Namespace, Values: map[string]any{
		"flyte": map[string]any{"consoleURL": "https://flyte.company.com"}, "webhook": map[string]any{"existingSecret": "not-used-here"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, object := range objects {
		if object.GetKind() == "Deployment" {
			var d appsv1.Deployment
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &d); err != nil {
				t.Fatal(err)
			}
			c = d.Spec.Template.Spec.Containers[0]
		}
	}
	return c
}

var highWater = regexp.MustCompile(`VmHWM:\s*(\d+) kB`)

// peak is the most memory that the service has had resident since it was started, in bytes.
func peak(t *testing.T) int64 {
	t.Helper()
	env := shared.Env()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", env.Service.PID()))
	if err != nil {
		t.Fatal(err)
	}
	match := highWater.FindStringSubmatch(string(status))
	if match == nil {
		t.Fatalf("there is no peak in %s", status)
	}
	kilobytes, err := strconv.ParseInt(match[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return kilobytes << 10
}
