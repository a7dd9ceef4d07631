package devcluster

import (
	"cmp"
	"context"
	"errors"

	"platform.company.com/workspace-flyte-integration/devcluster/freeport"
)

// ports of the components, on 127.0.0.1.
type ports struct{ apiServer, controllerManager int }

const startAttempts = 5

// ports returns free ports, or the API server's port of the options.
func (o Options) ports() (ports, error) {
	p, err := freePorts()
	p.apiServer = cmp.Or(o.APIServerPort, p.apiServer)
	return p, err
}

// freePorts returns two ports that were free a moment ago.
func freePorts() (ports, error) {
	free, err := freeport.Find(context.Background(), 2)
	if err != nil {
		return ports{}, err
	}
	return ports{apiServer: free[0], controllerManager: free[1]}, nil
}

// retryTakenPorts calls start again with other ports if one was taken between pick and start.
func retryTakenPorts(pick func() (ports, error), start func(ports) error) error {
	for attempt := 1; ; attempt++ {
		p, err := pick()
		if err != nil {
			return err
		}
		if err = start(p); err == nil || !errors.Is(err, errPortTaken) || attempt == startAttempts {
			return err
		}
	}
}
