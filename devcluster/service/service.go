// Package service runs the real binary of the service beside a devcluster as the chart does: it installs the chart's objects, and the
// service has the chart's environment and the permissions of the chart's ServiceAccount.
package service

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"

	"platform.company.com/workspace-flyte-integration/devcluster"
	"platform.company.com/workspace-flyte-integration/devcluster/faultproxy"
	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
)

// Namespace is the namespace of the release.
const Namespace = "platform-services"

// podName stays the same after a restart, as for a container.
const podName = release + "-0"

const (
	readyInterval = 20 * time.Millisecond
	readyTimeout  = time.Minute
	stopGrace     = 40 * time.Second
)

// Options configure a Service.
type Options struct {
	// Admin is how an administrator reaches the cluster.
	Admin *rest.Config
	// Binary is the path of the service's binary.
	Binary string
	// Flyte is the address of FlyteAdmin or its double.
	Flyte string
	// Dir is the directory of the secret, the kubeconfig and the log.
	Dir string
	// Address is LISTEN_ADDRESS, and MetricsAddress METRICS_ADDRESS; an empty one gets a free port.
	Address, MetricsAddress string
	// Values override the chart's values, and Env the chart's environment.
	Values map[string]any
	Env    map[string]string
}

// Service is the service, running or not.
type Service struct {
	// URL is its base URL.
	URL string
	// Metrics is the URL of its metrics.
	Metrics string
	// Secret is the webhook secret.
	Secret string

	options Options
	account *rest.Config
	env     map[string]string
	program *devcluster.Program
}

// Install installs the chart and prepares the service to run under the chart's account.
func Install(ctx context.Context, o Options) (*Service, error) {
	s := &Service{Secret: signature.NewSecret(), options: o}
	free, err := devcluster.FreeAddresses(ctx, 2)
	if err != nil {
		return nil, err
	}
	address, metrics := cmp.Or(o.Address, free[0]), cmp.Or(o.MetricsAddress, free[1])
	s.URL, s.Metrics = "http://"+address, "http://"+metrics+"/metrics"
	env, err := applyChart(ctx, o)
	if err != nil {
		return nil, err
	}
	secret, kubeconfig := filepath.Join(o.Dir, "webhook-secret"), filepath.Join(o.Dir, "service.kubeconfig")
	if err := os.WriteFile(secret, []byte(s.Secret), 0o600); err != nil {
		return nil, fmt.Errorf("writing the webhook secret: %w", err)
	}
	account, err := devcluster.AccountConfig(ctx, o.Admin, Namespace, release)
	if err != nil {
		return nil, err
	}
	if err := devcluster.WriteKubeconfig(kubeconfig, account); err != nil {
		return nil, err
	}
	s.account = account
	maps.Copy(env, map[string]string{
		"KUBECONFIG": kubeconfig, "POD_NAMESPACE": Namespace, "POD_NAME": podName, "LISTEN_ADDRESS": address, "METRICS_ADDRESS": metrics,
		"FLYTE_ADMIN_ENDPOINT": o.Flyte, "WORKSPACE_WEBHOOK_SECRET_FILE": secret,
	})
	maps.Copy(env, o.Env)
	s.env = env
	return s, nil
}

// Replica returns another replica of the service, with another pod name.
func (s *Service) Replica(ctx context.Context, podName string) (*Service, error) {
	free, err := devcluster.FreeAddresses(ctx, 2)
	if err != nil {
		return nil, err
	}
	replica := &Service{
		URL: "http://" + free[0], Metrics: "http://" + free[1] + "/metrics", Secret: s.Secret, options: s.options, account: s.account,
	}
	replica.options.Dir = filepath.Join(s.options.Dir, podName)
	replica.env = maps.Clone(s.env)
	maps.Copy(replica.env, map[string]string{
		"POD_NAME": podName, "LISTEN_ADDRESS": free[0], "METRICS_ADDRESS": free[1],
	})
	if err := os.MkdirAll(replica.options.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("creating the replica's directory: %w", err)
	}
	return replica, nil
}

// Set changes an environment variable for the next start.
func (s *Service) Set(variable, value string) { s.env[variable] = value }

// Through returns another replica, which reaches the API server only through the proxy.
func (s *Service) Through(ctx context.Context, podName string, proxy *faultproxy.Proxy) (*Service, error) {
	replica, err := s.Replica(ctx, podName)
	if err != nil {
		return nil, err
	}
	kubeconfig := filepath.Join(replica.options.Dir, "service.kubeconfig")
	replica.env["KUBECONFIG"] = kubeconfig
	return replica, devcluster.WriteKubeconfig(kubeconfig, proxy.Config(s.account))
}

// Launch runs the binary.
func (s *Service) Launch() (err error) {
	var env []string
	for name, value := range s.env {
		env = append(env, name+"="+value)
	}
	s.program, err = devcluster.StartProgram(s.options.Dir, env, s.options.Binary)
	return err
}

// Start runs the binary and returns when it is ready.
func (s *Service) Start(ctx context.Context) error {
	if err := s.Launch(); err != nil {
		return err
	}
	err := wait.PollUntilContextTimeout(ctx, readyInterval, readyTimeout, true, func(ctx context.Context) (bool, error) {
		select {
		case <-s.program.Exited():
			return false, s.program.Failure()
		default:
			return s.ready(ctx), nil
		}
	})
	if err != nil {
		s.Kill()
		return fmt.Errorf("starting the service: %w; its log is %s", err, s.LogPath())
	}
	return nil
}

func (s *Service) ready(ctx context.Context) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/readyz", http.NoBody)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// Kill sends SIGKILL.
func (s *Service) Kill() { s.program.Stop(0) }

// Stop sends SIGTERM, and SIGKILL after a grace period, as Kubernetes does. It does nothing if the service was never started.
func (s *Service) Stop() {
	if s.program != nil {
		s.program.Stop(stopGrace)
	}
}

// Pause stops the process until Resume. It loses its lease unless that is soon.
func (s *Service) Pause() { s.program.Pause() }

// Resume ends Pause.
func (s *Service) Resume() { s.program.Resume() }

// PID is the process id of the running service.
func (s *Service) PID() int { return s.program.PID() }

// Exited is closed when the service has exited.
func (s *Service) Exited() <-chan struct{} { return s.program.Exited() }

// ExitCode is the exit code of the service, -1 if a signal ended it.
func (s *Service) ExitCode() int { return s.program.ExitCode() }

// Failure returns an error with the end of the log of a service that has exited.
func (s *Service) Failure() error { return s.program.Failure() }

// LogPath is the log file.
func (s *Service) LogPath() string { return s.program.LogPath() }
