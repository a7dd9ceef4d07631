package docker

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	"k8s.io/apimachinery/pkg/api/resource"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
)

const (
	serviceName = "integration"
	dataKey     = "data" // of the volume, in the compose file
	dataDir     = "/run/integration"
	secretsDir  = dataDir + "/secrets"
	program     = "/ko-app/integration"

	httpPort, metricsPort = 8080, 9090

	// ownerID is the user of the image, and owner the same with its group.
	ownerID = 65532
	owner   = "65532:65532"

	maxProcesses = 200
)

// inFiles are variables of the service that name a file, for secrets that must not be in the compose file.
var inFiles = map[string]string{ //nolint:gosec // names
	"WORKSPACE_WEBHOOK_SECRET": "WORKSPACE_WEBHOOK_SECRET_FILE", "FLYTE_CLIENT_SECRET": "FLYTE_CLIENT_SECRET_FILE",
	"WORKSPACE_API_SECRET": "WORKSPACE_API_SECRET_FILE", "FLYTE_ADMIN_CLIENT_KEY": "FLYTE_ADMIN_CLIENT_KEY",
	"WORKSPACE_API_CLIENT_KEY": "WORKSPACE_API_CLIENT_KEY", "TLS_KEY_FILE": "TLS_KEY_FILE",
}

func (o *Options) check() error {
	if err := o.refuseSecrets(); err != nil {
		return err
	}
	for flag, address := range map[string]string{"publish": o.Publish, "publish-metrics": o.Metrics} {
		if address == "" {
			continue
		}
		if _, _, err := splitAddress(address); err != nil {
			return fmt.Errorf("--%s must be ADDRESS:PORT, such as 127.0.0.1:8080: %w", flag, err)
		}
	}
	if _, err := deploy.StopTimeout(o.Environment); err != nil {
		return err
	}
	_, err := o.limits()
	return err
}

// refuseSecrets fails if a variable has a secret, which the compose file would show.
func (o *Options) refuseSecrets() error {
	for name, value := range o.Environment {
		if variable, secret := inFiles[name]; secret && variable != name {
			return fmt.Errorf("--env %s would show the secret in the compose file: use `deploy setup docker --secret-file`", name)
		}
		if strings.Contains(value, "-----BEGIN") && strings.Contains(value, "PRIVATE KEY") {
			return fmt.Errorf("--env %s would show a private key in the compose file: use `deploy setup docker --secret-file`", name)
		}
	}
	return nil
}

func splitAddress(address string) (host string, port uint16, err error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, err
	}
	if net.ParseIP(host) == nil {
		return "", 0, fmt.Errorf("%q is not an IP address", host)
	}
	number, err := strconv.ParseUint(text, 10, 16)
	if err != nil || number == 0 {
		return "", 0, fmt.Errorf("%q is not a port", text)
	}
	return host, uint16(number), nil
}

func (o *Options) limits() (*types.Resource, error) {
	limits := &types.Resource{Pids: maxProcesses}
	cpu, err := resource.ParseQuantity(o.CPU)
	if err != nil || cpu.MilliValue() < 10 {
		return nil, fmt.Errorf("--cpu must be a quantity of at least 10m, not %q", o.CPU)
	}
	memory, err := resource.ParseQuantity(o.Memory)
	if err != nil || memory.Value() < 64<<20 {
		return nil, fmt.Errorf("--memory must be a quantity of at least 64Mi, not %q", o.Memory)
	}
	limits.NanoCPUs, limits.MemoryBytes = types.NanoCPUs(float64(cpu.MilliValue())/1000), types.UnitBytes(memory.Value())
	return limits, nil
}

// compose is the compose project with an image.
func (t *Target) compose(image string, secrets []string) (*types.Project, error) {
	s, err := t.o.service(image, secrets)
	if err != nil {
		return nil, err
	}
	return &types.Project{
		Name: t.o.Project, Services: types.Services{serviceName: *s},
		Networks: types.Networks{"default": {Name: t.network()}},
		Volumes:  types.Volumes{dataKey: {Name: t.volume(), External: true}},
	}, nil
}

// service is the one of the compose project.
func (o *Options) service(image string, secrets []string) (*types.ServiceConfig, error) {
	limits, err := o.limits()
	if err != nil {
		return nil, err
	}
	timeout, err := deploy.StopTimeout(o.Environment)
	if err != nil {
		return nil, err
	}
	s := &types.ServiceConfig{Name: serviceName, Restart: "unless-stopped"}
	s.Image, s.User, s.ReadOnly = image, owner, true
	s.CapDrop, s.SecurityOpt = []string{"ALL"}, []string{"no-new-privileges:true"}
	s.Environment = o.environment(secrets)
	s.Volumes = []types.ServiceVolumeConfig{{Type: "volume", Source: dataKey, Target: dataDir, ReadOnly: true}}
	s.Networks = map[string]*types.ServiceNetworkConfig{"default": nil}
	s.Logging = &types.LoggingConfig{Driver: "json-file", Options: types.Options{"max-size": "10m", "max-file": "5"}}
	s.Deploy = &types.DeployConfig{Resources: types.Resources{Limits: limits}}
	s.StopGracePeriod = new(types.Duration(timeout))
	s.HealthCheck = o.healthCheck(s.Environment)
	s.Ports = o.ports()
	return s, nil
}

// healthCheck asks the service itself: the image has neither a shell nor another program. As of the kubelet, certificates are not verified.
func (o *Options) healthCheck(environment types.MappingWithEquals) *types.HealthCheckConfig {
	base := fmt.Sprintf("http://127.0.0.1:%d", httpPort)
	if environment["TLS_CERT_FILE"] != nil {
		base = fmt.Sprintf("https://127.0.0.1:%d", httpPort)
	}
	return &types.HealthCheckConfig{
		Test:     types.HealthCheckTest{"CMD", program, "--probe", base + "/readyz", base + "/livez"},
		Interval: new(types.Duration(10 * time.Second)), Timeout: new(types.Duration(5 * time.Second)),
		StartPeriod: new(types.Duration(time.Minute)), Retries: new(uint64(3)),
	}
}

// environment is the service's. Dollars are doubled, since compose replaces variables.
func (o *Options) environment(secrets []string) types.MappingWithEquals {
	env := types.MappingWithEquals{
		"KUBECONFIG": new(secretsDir + "/" + KubeconfigFile), "WORKSPACE_WEBHOOK_SECRET_FILE": new(secretsDir + "/" + WebhookSecretFile),
	}
	for _, name := range secrets {
		if variable := variableOf(name); variable != "" {
			env[variable] = new(secretsDir + "/" + name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(o.Environment)) {
		env[name] = new(strings.ReplaceAll(o.Environment[name], "$", "$$"))
	}
	return env
}

func (o *Options) ports() (ports []types.ServicePortConfig) {
	for _, one := range []struct {
		address string
		target  uint32
	}{{o.Publish, httpPort}, {o.Metrics, metricsPort}} {
		if one.address != "" {
			host, port, _ := splitAddress(one.address) // it was checked
			ports = append(ports, types.ServicePortConfig{
				Mode: "ingress", HostIP: host, Target: one.target, Published: strconv.Itoa(int(port)), Protocol: "tcp",
			})
		}
	}
	return ports
}

// parse reads a compose file, as compose does.
func (t *Target) parse(ctx context.Context, text []byte) (*types.ServiceConfig, error) {
	project, err := loader.LoadWithContext(ctx, types.ConfigDetails{
		WorkingDir: "/", ConfigFiles: []types.ConfigFile{{Filename: "compose.yaml", Content: text}}, Environment: types.Mapping{},
	}, func(o *loader.Options) {
		o.SetProjectName(t.o.Project, true)
	})
	if err != nil {
		return nil, fmt.Errorf("reading the compose file: %w", err)
	}
	service, err := project.GetService(serviceName)
	return &service, err
}

// Render implements [deploy.Renderer]: it writes the compose file. Which further secrets there are is known on the host alone.
func (t *Target) Render(ctx context.Context, out io.Writer) error {
	text, err := t.composeFile(ctx, t.o.Image, nil)
	if err != nil {
		return err
	}
	_, err = out.Write(text)
	return err
}

// composeFile is the compose file with an image, as text that compose accepts.
func (t *Target) composeFile(ctx context.Context, image string, secrets []string) ([]byte, error) {
	project, err := t.compose(image, secrets)
	if err != nil {
		return nil, err
	}
	text, err := project.MarshalYAML()
	if err != nil {
		return nil, fmt.Errorf("writing the compose file: %w", err)
	}
	_, err = t.parse(ctx, text)
	return text, err
}
