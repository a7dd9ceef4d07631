package devcluster

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"platform.company.com/workspace-flyte-integration/devcluster/binaries"
)

// scripted is a cluster with a shell script as etcd.
func scripted(t *testing.T, etcd string) *Cluster {
	t.Helper()
	state, err := openState(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	c := &Cluster{options: Options{Progress: t.Output()}, binaries: t.TempDir(), state: state, stopped: make(chan struct{})}
	t.Cleanup(c.Stop)
	script := filepath.Join(c.binaries, binaries.Etcd)
	if err := os.WriteFile(script, []byte("#!/bin/sh\n"+etcd), 0o700); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestStart_ShowsTheLogOfAFailedComponent(t *testing.T) {
	t.Parallel()
	c := scripted(t, "echo the disk is full; exit 1")
	err := c.startAll(t.Context(), freePorts)
	if err == nil || !strings.Contains(err.Error(), "etcd exited") || !strings.Contains(err.Error(), "the disk is full") {
		t.Errorf("got %v", err)
	}
}

func TestStart_StopsWhenItsContextEnds(t *testing.T) {
	t.Parallel()
	c := scripted(t, "exec sleep 60")
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	err := c.startAll(ctx, freePorts)
	if err == nil || !strings.Contains(err.Error(), "waiting for etcd") {
		t.Errorf("got %v", err)
	}
	if left := c.processes(); len(left) != 0 {
		t.Errorf("%d processes are left", len(left))
	}
}

func TestWait_ReportsAComponentThatExited(t *testing.T) {
	t.Parallel()
	c := scripted(t, "echo out of memory; exit 1")
	if err := c.run(&c.etcd, c.binary(binaries.Etcd), nil); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(t.Context()); err == nil || !strings.Contains(err.Error(), "out of memory") {
		t.Errorf("got %v", err)
	}
	c.Stop()
	if err := c.Wait(t.Context()); err != nil {
		t.Errorf("after Stop: %v", err)
	}
	if err := c.run(&c.etcd, c.binary(binaries.Etcd), nil); err == nil {
		t.Error("a stopped cluster started a process")
	}
}
