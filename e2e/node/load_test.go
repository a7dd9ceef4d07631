package node

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/devcluster/service"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

const (
	loadInterval = 50 * time.Millisecond // 20 webhooks a second
	loaded       = 5                     // workspaces
	retryAfter   = 500 * time.Millisecond
)

// load sends updates of some workspaces until it is stopped. As a sender does, it repeats what was answered 503.
type load struct {
	prefix string
	secret func() string
	// crash is set where a connection may break with the process that serves it: then a sender repeats, too.
	crash bool

	stop, stopped chan struct{}

	mu       sync.Mutex
	sent     int
	repeated int
	versions map[string]int64 // the newest that was accepted
	refused  []string
}

// startLoad sends 20 signed webhooks a second.
func startLoad(t *testing.T, l *load) *load {
	t.Helper()
	l.versions, l.stop, l.stopped = map[string]int64{}, make(chan struct{}), make(chan struct{})
	for i := range loaded {
		createWorkspace(t, l.id(i), "small")
	}
	go l.run(t)
	return l
}

func (l *load) id(i int) string { return fmt.Sprintf("%s-%d", l.prefix, i%loaded) }

func (l *load) run(t *testing.T) {
	t.Helper()
	defer close(l.stopped)
	ticker := time.NewTicker(loadInterval)
	defer ticker.Stop()
	var group sync.WaitGroup
	defer group.Wait()
	for i := 0; ; i++ {
		select {
		case <-l.stop:
			return
		case <-ticker.C:
			data := harness.Data(l.id(i), int64(2+i/loaded))
			data.Tier, data.Quota = "small", v1alpha1.Quota{}
			m := harness.NewMessage(t, workspace.EventUpdated, data)
			group.Go(func() { l.send(t.Context(), m, data) })
		}
	}
}

func (l *load) send(ctx context.Context, m service.Message, data workspace.Data) {
	for attempt := range 20 {
		status, body, err := post(ctx, env.url, l.secret(), m)
		l.mu.Lock()
		l.sent++
		repeat := err == nil && status == http.StatusServiceUnavailable || err != nil && l.crash
		switch {
		case repeat:
			l.repeated++
		case err != nil || status >= http.StatusMultipleChoices:
			refusal := fmt.Sprintf("version %d of %s, attempt %d: %d %s %v", data.Version, data.WorkspaceID, attempt+1, status, body, err)
			l.refused = append(l.refused, refusal)
		default:
			l.versions[data.WorkspaceID] = max(l.versions[data.WorkspaceID], data.Version)
		}
		l.mu.Unlock()
		if !repeat {
			return
		}
		<-time.After(retryAfter)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refused = append(l.refused, fmt.Sprintf("version %d of %s: repeated in vain", data.Version, data.WorkspaceID))
}

// finish stops sending. Nothing may have been refused but what was repeated, and each workspace has the newest version that was accepted.
func (l *load) finish(t *testing.T) {
	t.Helper()
	close(l.stop)
	<-l.stopped
	t.Logf("%d webhooks were sent, %d of them had to be repeated", l.sent, l.repeated)
	for _, refusal := range l.refused {
		t.Error("refused: " + refusal)
	}
	if len(l.versions) != loaded {
		t.Errorf("webhooks were accepted for %v alone", slices.Collect(maps.Keys(l.versions)))
	}
	for id, version := range l.versions {
		var w v1alpha1.Workspace
		harness.Must(t, env.admin.Get(t.Context(), harness.Key(id), &w))
		if w.Spec.Version != version {
			t.Errorf("%s has version %d, but %d was accepted", id, w.Spec.Version, version)
		}
	}
}
