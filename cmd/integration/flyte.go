package main

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/flyte"
)

// flyteLookInterval is how often a Flyte that has not answered yet is asked what it is.
const flyteLookInterval = 5 * time.Second

// foundFlyte is what /health and the log say of Flyte. It is safe for concurrent use.
type foundFlyte struct {
	client *flyte.Client
	log    logr.Logger
	// version is what answered last, or that it was the wrong one; empty before anything has.
	version atomic.Value
}

// look asks Flyte what it is, and logs what is new.
func (f *foundFlyte) look(ctx context.Context) error {
	version, err := f.client.Version(ctx)
	if err != nil {
		return err
	}
	if f.version.Swap(version) != version {
		f.log.Info("found Flyte", "version", version)
	}
	return nil
}

// found is the version that answered last, empty before any did.
func (f *foundFlyte) found() string {
	version, _ := f.version.Load().(string)
	return version
}

// untilFound asks until Flyte has answered once, so that the log tells what was found, or why nothing was.
func (f *foundFlyte) untilFound(ctx context.Context) error {
	for logged := ""; ; {
		err := f.look(ctx)
		if err == nil {
			return nil
		}
		if text := err.Error(); text != logged && ctx.Err() == nil {
			f.log.Error(err, "looking for Flyte")
			logged = text
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(flyteLookInterval):
		}
	}
}

func (s *service) addFlyte(context.Context) error {
	client, err := flyte.New(flyte.Options{
		Endpoint: s.cfg.FlyteAdminEndpoint, API: s.cfg.flyteAPI(), TLS: s.cfg.flyteTLS(), Credentials: s.cfg.flyteCredentials(),
		OwnerLabel: v1alpha1.LabelWorkspace,
	})
	if err != nil {
		return err
	}
	s.flyte = &foundFlyte{client: client, log: s.log}
	return s.mgr.Add(manager.RunnableFunc(s.flyte.untilFound))
}

// attributeDomains are none with Flyte 2, which has no matchable attributes.
func (c *config) attributeDomains() []string {
	if c.flyteAPI() == flyte.V2 {
		return nil
	}
	return c.FlyteDomains
}

func (c *config) flyteAPI() flyte.API { return flyte.API(c.FlyteAPIVersion) }

// flyteServer is what the status of a Workspace says of the Flyte that its project is registered in.
func (c *config) flyteServer() v1alpha1.FlyteServer {
	return v1alpha1.FlyteServer{Endpoint: c.FlyteAdminEndpoint, APIVersion: c.FlyteAPIVersion}
}
