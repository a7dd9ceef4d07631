package devcluster

import (
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
	var free [2]int
	for i := range free {
		lis, err := listenAnywhere()
		if err != nil {
			return ports{}, err
		}
		defer lis.Close() // held to the end, so that no port is given twice
		free[i] = lis.Addr().(*net.TCPAddr).Port
	}
	return ports{apiServer: free[0], controllerManager: free[1]}, nil
}

func listenAnywhere() (lis net.Listener, err error) {
	for range portAttempts {
		port := lowestPort + rand.IntN(highestPort-lowestPort)
		if lis, err = net.Listen("tcp", address(port)); err == nil {
			return lis, nil
		}
	}
	return nil, fmt.Errorf("finding a free port: %w", err)
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
