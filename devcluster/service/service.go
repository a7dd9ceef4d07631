// Package service runs the real binary of the service beside a devcluster, as the chart would: with the chart's objects
// installed, the chart's environment, and the rights of the chart's own ServiceAccount, never as cluster admin.
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

// Namespace is where the chart is installed.
const Namespace = "platform-services"

// podName is the same after each start, as for a container that is started again.
const podName = release + "-0"

const (
	readyInterval = 20 * time.Millisecond
	readyTimeout  = time.Minute
	stopGrace     = 40 * time.Second
)

// Options say what is run.
type Options struct {
	Cluster *devcluster.Cluster
	// Binary is the path of the service's binary.
	Binary string
	// Flyte is the address of FlyteAdmin, or of its double.
	Flyte string
	// Dir is where the secret, the kubeconfig and the log are put.
	Dir string
	// Address is where the service listens, and MetricsAddress where it serves metrics; empty means a free port.
	Address, MetricsAddress string
	// Values override the chart's, and Env the environment that it makes.
	Values map[string]any
	Env    map[string]string
}

// Service is the service, running or not.
type Service struct {
	// URL is its base URL.
	URL string
	// Metrics is the URL of its metrics.
	Metrics string
	// Secret signs webhooks for it.
	Secret string

	options Options
	account *rest.Config
	env     map[string]string
	program *devcluster.Program
}

// Install puts the chart's objects into the cluster and prepares the service to run under its account.
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
	account, err := accountConfig(ctx, o.Cluster.Config())
	if err != nil {
		return nil, err
	}
	if err := o.Cluster.WriteKubeconfig(kubeconfig, account); err != nil {
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

// Replica is another replica of the same service, in a pod of another name.
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
		return nil, fmt.Errorf("making the replica's directory: %w", err)
	}
	return replica, nil
}

// Set changes a variable of the environment, for the next start.
func (s *Service) Set(variable, value string) { s.env[variable] = value }

// Through is another replica, which reaches the API server by the proxy alone.
func (s *Service) Through(ctx context.Context, podName string, proxy *faultproxy.Proxy) (*Service, error) {
	replica, err := s.Replica(ctx, podName)
	if err != nil {
		return nil, err
	}
	kubeconfig := filepath.Join(replica.options.Dir, "service.kubeconfig")
	replica.env["KUBECONFIG"] = kubeconfig
	return replica, s.options.Cluster.WriteKubeconfig(kubeconfig, proxy.Config(s.account))
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
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

// Kill ends the service as SIGKILL does.
func (s *Service) Kill() { s.program.Stop(0) }

// Stop ends the service as Kubernetes does: SIGTERM, and time to finish. A service that was never started has ended.
func (s *Service) Stop() {
	if s.program != nil {
		s.program.Stop(stopGrace)
	}
}

// Pause freezes the service, and Resume lets it go on. It keeps its lease only when that is soon.
func (s *Service) Pause() { s.program.Pause() }

// Resume ends Pause.
func (s *Service) Resume() { s.program.Resume() }

// PID is the process id of the running service.
func (s *Service) PID() int { return s.program.PID() }

// Exited is closed when the running service has ended.
func (s *Service) Exited() <-chan struct{} { return s.program.Exited() }

// ExitCode is how the service that has ended did so, or -1 when it was killed.
func (s *Service) ExitCode() int { return s.program.ExitCode() }

// Failure says how the service ended, by the end of its log.
func (s *Service) Failure() error { return s.program.Failure() }

// LogPath is where the service logs.
func (s *Service) LogPath() string { return s.program.LogPath() }
