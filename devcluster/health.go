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

// check passes when a part of the control plane is ready.
type check struct {
	name string
	pass func(context.Context, *Cluster, *http.Client) error
}

var (
	etcdListens = check{"etcd to listen", func(_ context.Context, c *Cluster, _ *http.Client) error {
		_, err := os.Stat(c.state.path(etcdSocket))
		return err
	}}
	apiServerReady           = returnsOK("kube-apiserver to be ready", apiServerPort, "/readyz")
	defaultNamespace         = returnsOK("namespace default", apiServerPort, "/api/v1/namespaces/default")
	controllerManagerHealthy = returnsOK("kube-controller-manager to be healthy", controllerManagerPort, "/healthz")
)

func apiServerPort(p ports) int         { return p.apiServer }
func controllerManagerPort(p ports) int { return p.controllerManager }

// returnsOK passes when GET of the path returns 200.
func returnsOK(name string, port func(ports) int, path string) check {
	return check{name, func(ctx context.Context, c *Cluster, client *http.Client) error {
		return get(ctx, client, "https://"+freeport.Address(port(c.ports))+path)
	}}
}

// waitFor returns when every check has passed. It fails when ctx ends, a component has exited, or after startTimeout.
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
		failure := check.pass(ctx, c, client)
		if err := c.ended(); err != nil { // first, since another process may have answered on a port that the component did not get
			return err
		}
		if failure == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w; last failure: %w", check.name, context.Cause(ctx), failure)
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
