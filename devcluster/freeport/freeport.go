// Package freeport finds free TCP ports on 127.0.0.1, below the ephemeral range of Linux: a program that is stopped and started again
// finds its port free.
package freeport

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

const (
	lowest, highest = 10000, 32000
	attempts        = 200
)

// Find returns n different ports that were free a moment ago.
func Find(ctx context.Context, n int) ([]int, error) {
	listeners := make([]net.Listener, 0, n)
	defer func() { // only now, so that no port is returned twice
		for _, listener := range listeners {
			listener.Close()
		}
	}()
	ports := make([]int, n)
	for i := range ports {
		listener, port, err := listen(ctx)
		if err != nil {
			return nil, err
		}
		listeners = append(listeners, listener)
		ports[i] = port
	}
	return ports, nil
}

func listen(ctx context.Context) (listener net.Listener, port int, err error) {
	for range attempts {
		port = lowest + rand.IntN(highest-lowest)
		if listener, err = new(net.ListenConfig).Listen(ctx, "tcp", Address(port)); err == nil {
			return listener, port, nil
		}
	}
	return nil, 0, fmt.Errorf("finding a free port: %w", err)
}

// Address is the address of a port on 127.0.0.1.
func Address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
