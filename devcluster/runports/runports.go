// Package runports chooses the ports of `make run` by environment variables. It imports only the standard library, since ports are
// checked before anything is built.
package runports

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"

	"platform.company.com/workspace-flyte-integration/devcluster/freeport"
)

// Ports are the ports of `make run` on 127.0.0.1.
type Ports struct{ Integration, WorkspaceService, Metrics, Kubernetes, Flyte int }

// variable sets one port. 0 is any free port.
type variable struct {
	name, server string
	defaultPort  int
}

var variables = []variable{
	{name: "RUN_PORT", defaultPort: 8080, server: "the integration"},
	{name: "RUN_WORKSPACE_SERVICE_PORT", defaultPort: 8081, server: "the workspace service's double"},
	{name: "RUN_METRICS_PORT", defaultPort: 9090, server: "the integration's metrics"},
	{name: "RUN_KUBERNETES_PORT", server: "the Kubernetes API server"},
	{name: "RUN_FLYTE_PORT", server: "the Flyte double"},
}

// Choose reads the variables. Its error names every invalid or taken port with its variable.
func Choose(ctx context.Context, getenv func(string) string) (Ports, error) {
	ports, err := freeport.Find(ctx, len(variables))
	if err != nil {
		return Ports{}, err
	}
	var problems []error
	server := map[int]variable{} // by port
	for i, v := range variables {
		port, err := v.port(ctx, getenv)
		if other, twice := server[port]; twice && err == nil {
			err = fmt.Errorf("port %d is used twice, for %s and %s: set %s to another port", port, other.server, v.server, v.name)
		}
		problems = append(problems, err)
		if port != 0 {
			ports[i], server[port] = port, v
		}
	}
	p := Ports{Integration: ports[0], WorkspaceService: ports[1], Metrics: ports[2], Kubernetes: ports[3], Flyte: ports[4]}
	return p, errors.Join(problems...)
}

func (v variable) port(ctx context.Context, getenv func(string) string) (port int, err error) {
	port = v.defaultPort
	if text := getenv(v.name); text != "" {
		if port, err = strconv.Atoi(text); err != nil || port < 0 || port > 65535 {
			return 0, fmt.Errorf("%s=%s is not a port: set it to a number from 0 (any free port) to 65535", v.name, text)
		}
	}
	if port == 0 {
		return 0, nil
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", freeport.Address(port))
	if err != nil {
		return 0, fmt.Errorf("port %d of %s can't be used: set %s to another port, or to 0 for any free port: %w",
			port, v.server, v.name, err)
	}
	return port, listener.Close()
}
