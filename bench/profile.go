package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// pprofURL is where the service serves profiles when it is told to.
const pprofURL = "http://127.0.0.1:6060/debug/pprof/"

// cpuSeconds is how long the CPU profile runs.
const cpuSeconds = 20

// profile begins a CPU profile of a part. stop writes it, the allocations, and the API requests by verb and kind. Without
// a directory neither does anything.
func profile(ctx context.Context, w *world, dir, part string) (stop func(context.Context) error, err error) {
	if dir == "" {
		return func(context.Context) error { return nil }, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("making the directory of the profiles: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	cpu := make(chan error, 1)
	go func() {
		cpu <- download(ctx, fmt.Sprintf("%sprofile?seconds=%d", pprofURL, cpuSeconds), filepath.Join(dir, part+".cpu.pprof"))
	}()
	return func(ctx context.Context) error {
		defer cancel()
		return errors.Join(<-cpu,
			download(ctx, pprofURL+"allocs", filepath.Join(dir, part+".allocs.pprof")),
			countRequests(w.cluster.AuditLogPath(), filepath.Join(dir, part+".requests.txt")))
	}, nil
}

func download(ctx context.Context, url, path string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("asking for a profile: %w", err)
	}
	defer answer.Body.Close()
	file, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("writing a profile: %w", err)
	}
	_, err = io.Copy(file, answer.Body)
	return errors.Join(err, file.Close())
}

// countRequests writes how often the service asked the API server for what, the most frequent first.
func countRequests(auditLog, path string) error {
	log, err := os.Open(auditLog)
	if err != nil {
		return fmt.Errorf("reading the audit log: %w", err)
	}
	defer log.Close()
	counts := map[string]int{}
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
	var text strings.Builder
	byCount := slices.SortedFunc(maps.Keys(counts), func(a, b string) int { return counts[b] - counts[a] })
	for _, request := range byCount {
		fmt.Fprintf(&text, "%7d %s\n", counts[request], request)
	}
	return errors.Join(lines.Err(), os.WriteFile(path, []byte(text.String()), 0o600))
}

// serviceUser is the chart's ServiceAccount.
const serviceUser = "system:serviceaccount:platform-services:workspace-flyte-integration"
