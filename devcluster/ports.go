package devcluster

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// ports of the components, on 127.0.0.1.
type ports struct{ apiServer, controllerManager int }

// Ports are taken from below the range that Linux hands out to connections and
// to listeners on port 0, so that a stopped API server finds its port free.
const lowestPort, highestPort = 10000, 32000

const (
	portAttempts  = 200
	startAttempts = 5
)

// freePorts returns two that were free a moment ago.
func freePorts() (ports, error) {
	first, apiServer, err := listenAnywhere(context.Background())
	if err != nil {
		return ports{}, err
	}
	defer first.Close() // after the second: no port is given twice
	second, controllerManager, err := listenAnywhere(context.Background())
	if err != nil {
		return ports{}, err
	}
	defer second.Close()
	return ports{apiServer: apiServer, controllerManager: controllerManager}, nil
}

func listenAnywhere(ctx context.Context) (lis net.Listener, port int, err error) {
	for range portAttempts {
		port = lowestPort + rand.IntN(highestPort-lowestPort)
		if lis, err = new(net.ListenConfig).Listen(ctx, "tcp", address(port)); err == nil {
			return lis, port, nil
		}
	}
	return nil, 0, fmt.Errorf("finding a free port: %w", err)
}

func address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// retryTakenPorts calls start with other ports as long as one was taken
// between pick and start.
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
