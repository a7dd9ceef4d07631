package devcluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"k8s.io/client-go/rest"
)

const (
	pollInterval = 50 * time.Millisecond
	pollTimeout  = 5 * time.Second // one request
)

// check is one URL that answers 200 when a part of the plane is usable.
type check struct {
	name string
	url  func(ports) string
}

var (
	apiServerReady = check{"kube-apiserver to be ready", func(p ports) string {
		return "https://" + address(p.apiServer) + "/readyz"
	}}
	defaultNamespace = check{"namespace default", func(p ports) string {
		return "https://" + address(p.apiServer) + "/api/v1/namespaces/default"
	}}
	controllerManagerHealthy = check{"kube-controller-manager to be healthy", func(p ports) string {
		return "https://" + address(p.controllerManager) + "/healthz"
	}}
)

// waitFor returns when every check has passed; it fails when ctx ends or when a
// component has ended.
func (c *Cluster) waitFor(ctx context.Context, checks ...check) error {
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
		answer := get(ctx, client, check.url(c.ports))
		if answer == nil {
			return nil
		}
		if err := c.ended(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w; last answer: %w", check.name, context.Cause(ctx), answer)
		case <-c.stopped:
			return errors.New("the cluster was stopped")
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

// ended returns the failure of a component that has ended.
func (c *Cluster) ended() error {
	for _, p := range c.processes() {
		select {
		case <-p.exited:
			return p.failure()
		default:
		}
	}
	return nil
}

func port(n int) string { return strconv.Itoa(n) }
