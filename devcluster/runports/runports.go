// Package runports chooses the ports of `make run`, which variables may set. It imports the standard library alone: the ports
// are checked before anything is built.
package runports

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"

	"platform.company.com/workspace-flyte-integration/devcluster/freeport"
)

// Ports are all on 127.0.0.1.
type Ports struct{ Integration, WorkspaceService, Metrics, Kubernetes, Flyte int }

// variable sets one port. 0 stands for any free one.
type variable struct {
	name, server string
	usual        int
}

var variables = []variable{
	{name: "RUN_PORT", usual: 8080, server: "the integration"},
	{name: "RUN_WORKSPACE_SERVICE_PORT", usual: 8081, server: "the workspace service's stand-in"},
	{name: "RUN_METRICS_PORT", usual: 9090, server: "the integration's metrics"},
	{name: "RUN_KUBERNETES_PORT", server: "the Kubernetes API server"},
	{name: "RUN_FLYTE_PORT", server: "the Flyte double"},
}

// Choose reads the variables. Its error names every port that is invalid or taken, each with its variable.
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
			err = fmt.Errorf("port %d is chosen twice, for %s and %s: set %s to another port", port, other.server, v.server, v.name)
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
	port = v.usual
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
		return 0, fmt.Errorf("port %d, where %s is to listen, can't be used: set %s to another port, or to 0 for any free one: %w",
			port, v.server, v.name, err)
	}
	return port, listener.Close()
}
