package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"

	"platform.company.com/workspace-flyte-integration/devcluster"
)

// runWorld is the network beside the node's. It serves until the node ends.
func runWorld(c *config) error {
	if _, err := io.ReadAll(os.Stdin); err != nil { // the node closes it when the link is there
		return fmt.Errorf("waiting for the node: %w", err)
	}
	if err := setUpWorld(c.World); err != nil {
		return err
	}
	apiServer, err := net.Listen("tcp", net.JoinHostPort(APIServer.String(), strconv.Itoa(devcluster.APIServerNodePort)))
	if err != nil {
		return fmt.Errorf("listening for the API server: %w", err)
	}
	go forward(apiServer, func() (net.Conn, error) {
		return new(net.Dialer).DialContext(context.Background(), "unix", c.path(apiServerSocket))
	})
	for _, port := range WorldPorts {
		listener, err := net.Listen("tcp", ":"+strconv.Itoa(port))
		if err != nil {
			return fmt.Errorf("listening as the world: %w", err)
		}
		go greet(listener)
	}
	for _, address := range c.World { // each by itself, or the answer would come from another address
		packets, err := net.ListenPacket("udp", net.JoinHostPort(address.String(), strconv.Itoa(WorldPorts[0])))
		if err != nil {
			return fmt.Errorf("listening as the world: %w", err)
		}
		go echo(packets)
	}
	return serveConnect(c.path(worldSocket))
}

func greet(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		_, _ = io.WriteString(conn, Greeting) // the client may have gone
		conn.Close()
	}
}

func echo(packets net.PacketConn) {
	buffer := make([]byte, 1500)
	for {
		n, from, err := packets.ReadFrom(buffer)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			_, _ = packets.WriteTo(buffer[:n], from) // UDP may lose it
		}
	}
}
