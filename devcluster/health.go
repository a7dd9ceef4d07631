package devcluster

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"k8s.io/client-go/rest"

	"platform.company.com/workspace-flyte-integration/devcluster/freeport"
)

const (
	pollInterval = 50 * time.Millisecond
	pollTimeout  = 5 * time.Second // one request
)

// check passes when a part of the plane is usable.
type check struct {
	name string
	pass func(context.Context, *Cluster, *http.Client) error
}

var (
	etcdListens = check{"etcd to listen", func(_ context.Context, c *Cluster, _ *http.Client) error {
		_, err := os.Stat(c.state.path(etcdSocket))
		return err
	}}
	apiServerReady           = answers("kube-apiserver to be ready", apiServerPort, "/readyz")
	defaultNamespace         = answers("namespace default", apiServerPort, "/api/v1/namespaces/default")
	controllerManagerHealthy = answers("kube-controller-manager to be healthy", controllerManagerPort, "/healthz")
)

func apiServerPort(p ports) int         { return p.apiServer }
func controllerManagerPort(p ports) int { return p.controllerManager }

// answers is the check that GET of the path is answered 200.
func answers(name string, port func(ports) int, path string) check {
	return check{name, func(ctx context.Context, c *Cluster, client *http.Client) error {
		return get(ctx, client, "https://"+freeport.Address(port(c.ports))+path)
	}}
}

// waitFor returns when every check has passed; it fails when ctx ends, when a
// component has ended, or after startTimeout.
func (c *Cluster) waitFor(ctx context.Context, checks ...check) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, errNotReady)
	defer cancel()
	client, err := rest.HTTPClientFor(c.Config())
	if err != nil {
		return fmt.Errorf("creating a client: %w", err)
	}
	client.Timeout = pollTimeout
	defer client.CloseIdleConnections()
	for _, check := range checks {
		if err := c.poll(ctx, client, check); err != nil {
			return err
		}
	}
	return nil
}

func (c *Cluster) poll(ctx context.Context, client *http.Client, check check) error {
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for {
		answer := check.pass(ctx, c, client)
		if err := c.ended(); err != nil { // first: the answer may be another's, on a port that ours did not get
			return err
		}
		if answer == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w; last answer: %w", check.name, context.Cause(ctx), answer)
		case <-c.stopped:
			return errStopped
		case <-ticker.C:
		}
	}
}

func get(ctx context.Context, client *http.Client, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(response.Body, 4096))
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", response.Status, body)
	}
	return nil
}
