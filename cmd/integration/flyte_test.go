package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr/funcr"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/flyte"
	"platform.company.com/workspace-flyte-integration/internal/flyte/flytetest"
)

// probing is a probe of a Flyte 1, and what it logs.
func probing(t *testing.T, domains ...string) (*flytetest.Server, *flyteProbe, *strings.Builder) {
	t.Helper()
	double, err := flytetest.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(double.Stop)
	client, err := flyte.New(flyte.Options{Endpoint: double.Addr(), OwnerLabel: v1alpha1.LabelWorkspace})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	var logged strings.Builder
	log := funcr.New(func(_, line string) { logged.WriteString(line + "\n") }, funcr.Options{})
	return double, &flyteProbe{client: client, log: log, domains: domains, interval: time.Millisecond}, &logged
}

func TestFlyteProbe_NamesDomainsThatFlyteLacks(t *testing.T) {
	t.Parallel()
	_, probe, logged := probing(t, "development", "prod", "test")
	for range 2 {
		if err := probe.check(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := probe.lastFound(), flytetest.Version+", without prod, test of FLYTE_DOMAINS"; got != want {
		t.Errorf("/health says %q, want %q", got, want)
	}
	if strings.Count(logged.String(), `"missing"="prod, test"`) != 1 {
		t.Errorf("the log has not named them once:\n%s", logged)
	}
}

func TestFlyteProbe_IsSilentAboutDomainsThatItKnows(t *testing.T) {
	t.Parallel()
	_, probe, _ := probing(t, "development", "production")
	if err := probe.check(t.Context()); err != nil || probe.lastFound() != flytetest.Version {
		t.Errorf("/health says %q, %v", probe.lastFound(), err)
	}
}

// TestFlyteProbe_FailsWithoutADatabase: FlyteAdmin still reports its version.
func TestFlyteProbe_FailsWithoutADatabase(t *testing.T) {
	t.Parallel()
	double, probe, _ := probing(t)
	double.SetDatabaseFault(flytetest.DatabaseUnreachable)
	if err := probe.check(t.Context()); !errors.Is(err, flyte.ErrUnavailable) {
		t.Errorf("error is %v, want ErrUnavailable", err)
	}
}

func TestFlyteProbe_NoticesFlytesReturn(t *testing.T) {
	t.Parallel()
	double, probe, _ := probing(t)
	double.SetDatabaseFault(flytetest.DatabaseUnreachable)
	returned := make(chan struct{}, 1)
	probe.onReturn = func() { returned <- struct{}{} }
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- probe.watch(ctx) }()
	poll := time.NewTicker(time.Millisecond)
	defer poll.Stop()
	for double.Calls()["GetProject"] < 2 { // the first has failed then
		<-poll.C
	}
	double.SetDatabaseFault(flytetest.DatabaseWorks)
	select {
	case <-returned:
	case <-time.After(30 * time.Second):
		t.Error("its return was not noticed")
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
