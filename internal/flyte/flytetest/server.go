// Package flytetest is a FlyteAdmin in the process: a real gRPC server that validates, stores and answers projects as FlyteAdmin
// 1.16 on PostgreSQL does, with the same codes. What it copies is named by file of github.com/flyteorg/flyte; the contract
// suite of internal/flyte holds it against a real one. Beyond that it fails, hangs and loses answers on demand, and counts calls.
//
// It keeps everything in memory and is bounded: more than MaxProjects projects are refused with ResourceExhausted.
package flytetest

import (
	"context"
	"fmt"
	"net"
	"sync"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/service"
	"google.golang.org/grpc"
)

// MaxProjects is what one server holds: more than the workspaces of a cluster, less than would hurt the process.
const MaxProjects = 20_000

const maxConcurrentCalls = 1024

// Server is one FlyteAdmin. All methods are safe for concurrent use.
type Server struct {
	faults
	projects projects

	listener net.Listener
	grpc     *grpc.Server
	done     chan struct{}
	stop     sync.Once
}

// Start serves on a free port of the loopback interface, until Stop.
func Start() (*Server, error) {
	var config net.ListenConfig
	listener, err := config.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listening for the Flyte double: %w", err)
	}
	return Serve(listener), nil
}

// Serve serves on the listener in the background and owns it, until Stop.
func Serve(listener net.Listener) *Server {
	server := &Server{listener: listener, done: make(chan struct{})}
	server.grpc = grpc.NewServer(
		grpc.UnaryInterceptor(server.intercept),
		grpc.MaxConcurrentStreams(maxConcurrentCalls),
	)
	service.RegisterAdminServiceServer(server.grpc, &adminService{projects: &server.projects})
	go func() {
		defer close(server.done)
		// Serve returns when Stop closes the listener; a listener that breaks earlier shows at the clients.
		_ = server.grpc.Serve(listener)
	}()
	return server
}

// Addr is the host:port that clients dial.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Stop closes the listener and every connection, and returns when nothing runs any more. Calls that hang end. Repeating it is
// harmless.
func (s *Server) Stop() {
	s.stop.Do(s.grpc.Stop)
	<-s.done
}

// Projects is a snapshot of all projects, archived ones too, by id.
func (s *Server) Projects() []Project { return s.projects.snapshot() }
