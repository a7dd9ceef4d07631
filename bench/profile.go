package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"platform.company.com/workspace-flyte-integration/devcluster/service"
)

// pprofURL is the service's address with PPROF_ENABLED=true.
const pprofURL = "http://127.0.0.1:6060/debug/pprof/"

// cpuSeconds is the duration of CPU profiles.
const cpuSeconds = "20"

// profiles are written into a directory, unless it is empty.
type profiles struct{ dir, part string }

func (p profiles) path(name string) string { return filepath.Join(p.dir, p.part+"."+name) }

// profiled calls do, takes CPU profiles of the service and the API server meanwhile, and then an allocation profile of the service. do
// must not restart the service.
func (e *environment) profiled(ctx context.Context, do func() error) error {
	if e.profiles.dir == "" {
		return do()
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ofService, ofServer := make(chan error, 1), make(chan error, 1)
	go func() { ofService <- e.profile(ctx, "profile?seconds="+cpuSeconds, "cpu.pprof") }()
	go func() { ofServer <- e.profileServer(ctx) }()
	if err := do(); err != nil {
		return err
	}
	return errors.Join(<-ofService, <-ofServer, e.profile(ctx, "allocs", "allocs.pprof"))
}

// profile writes a profile of the service.
func (e *environment) profile(ctx context.Context, what, name string) error {
	profile, err := pprof(ctx, what)
	if err != nil {
		return fmt.Errorf("requesting a profile: %w", err)
	}
	return os.WriteFile(e.profiles.path(name), []byte(profile), 0o600)
}

// pprof requests a profile of the service.
func pprof(ctx context.Context, what string) (profile string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, pprofURL+what, http.NoBody)
	if err != nil {
		return "", err
	}
	reply, err := service.Do(request)
	if err == nil && reply.Status != http.StatusOK {
		err = fmt.Errorf("status %d", reply.Status)
	}
	return reply.Body, err
}

// profileServer writes a CPU profile of the API server.
func (e *environment) profileServer(ctx context.Context) error {
	profile, err := e.server.Get().AbsPath("/debug/pprof/profile").Param("seconds", cpuSeconds).DoRaw(ctx)
	if err != nil {
		return fmt.Errorf("requesting a profile of the API server: %w", err)
	}
	return os.WriteFile(e.profiles.path("apiserver.cpu.pprof"), profile, 0o600)
}

// countRequests writes the number of the service's API requests by verb and resource, the most frequent first.
func (e *environment) countRequests() error {
	if e.profiles.dir == "" {
		return nil
	}
	counts, err := requestsOf(e.cluster.AuditLogPath())
	var text strings.Builder
	byCount := slices.SortedFunc(maps.Keys(counts), func(a, b string) int { return counts[b] - counts[a] })
	for _, request := range byCount {
		fmt.Fprintf(&text, "%7d %s\n", counts[request], request)
	}
	return errors.Join(err, os.WriteFile(e.profiles.path("requests.txt"), []byte(text.String()), 0o600))
}

func requestsOf(auditLog string) (counts map[string]int, err error) {
	log, err := os.Open(auditLog)
	if err != nil {
		return nil, fmt.Errorf("reading the audit log: %w", err)
	}
	defer log.Close()
	counts = map[string]int{}
	lines := bufio.NewScanner(log)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var entry struct {
			Verb      string
			User      struct{ Username string }
			ObjectRef struct{ Resource, Subresource string }
		}
		if json.Unmarshal(lines.Bytes(), &entry) == nil && entry.User.Username == serviceUser {
			counts[entry.Verb+" "+filepath.Join(entry.ObjectRef.Resource, entry.ObjectRef.Subresource)]++
		}
	}
	return counts, lines.Err()
}

// serviceUser is the chart's ServiceAccount.
const serviceUser = "system:serviceaccount:platform-services:workspace-flyte-integration"
