// Package flytetest is an in-process double of Flyte: a real gRPC server that validates and stores projects as FlyteAdmin 1.16 on
// PostgreSQL does, or as Flyte 2, with the same codes. Comments name the files of github.com/flyteorg/flyte that it follows; the
// contract suite of internal/flyte runs against it and against real servers. On demand it fails, hangs and loses responses. It counts
// calls.
//
// It keeps everything in memory, and refuses more than MaxProjects projects with ResourceExhausted.
package flytetest

import (
	"context"
	"fmt"
	"net"
	"sync"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/service"
	"google.golang.org/grpc"

	"platform.company.com/workspace-flyte-integration/internal/flyte/flyteidl2"
)

// MaxProjects bounds the memory of one server. It is more than the workspaces of a cluster.
const MaxProjects = 20_000

const maxConcurrentCalls = 1024

// Server is one Flyte. All methods are safe for concurrent use.
type Server struct {
	faults
	authenticator
	projects   projects
	attributes attributesTable
	v2         bool
	executions executions

	listener net.Listener
	grpc     *grpc.Server
	done     chan struct{}
	stop     sync.Once
}

// Start serves FlyteAdmin on a free port of the loopback interface, until Stop.
func Start() (*Server, error) {
	listener, err := listen()
	if err != nil {
		return nil, err
	}
	return Serve(listener), nil
}

// StartV2 serves Flyte 2 on a free port of the loopback interface, until Stop.
func StartV2() (*Server, error) {
	listener, err := listen()
	if err != nil {
		return nil, err
	}
	return ServeV2(listener), nil
}

func listen() (net.Listener, error) {
	var config net.ListenConfig
	listener, err := config.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listening for the Flyte double: %w", err)
	}
	return listener, nil
}

// Serve serves FlyteAdmin on the listener in the background and owns it, until Stop.
func Serve(listener net.Listener) *Server {
	server := newServer(listener)
	service.RegisterAdminServiceServer(server.grpc, &adminService{
		projects: &server.projects, attributes: &server.attributes, executions: &server.executions,
	})
	service.RegisterAuthMetadataServiceServer(server.grpc, &authMetadata{authenticator: &server.authenticator})
	return server.serve()
}

// ServeV2 serves Flyte 2 on the listener in the background and owns it, until Stop.
func ServeV2(listener net.Listener) *Server {
	server := newServer(listener)
	server.v2 = true
	flyteidl2.RegisterProjectServiceServer(server.grpc, &projectService{projects: &server.projects})
	server.grpc.RegisterService(authMetadataV2(), &authMetadata{authenticator: &server.authenticator})
	return server.serve()
}

func newServer(listener net.Listener) *Server {
	server := &Server{listener: listener, done: make(chan struct{})}
	server.grpc = grpc.NewServer(
		grpc.ChainUnaryInterceptor(server.faults.intercept, server.authenticator.intercept),
		grpc.MaxConcurrentStreams(maxConcurrentCalls),
	)
	return server
}

func (s *Server) serve() *Server {
	go func() {
		defer close(s.done)
		// Serve returns when Stop closes the listener. If the listener fails earlier, clients see it.
		_ = s.grpc.Serve(s.listener)
	}()
	return s
}

// Addr is the host:port that clients dial.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Stop closes the listener and every connection, ends hanging calls, and returns when nothing runs any more. It may be repeated.
func (s *Server) Stop() {
	s.stop.Do(s.grpc.Stop)
	<-s.done
}

// Projects returns all projects, archived ones included, by id.
func (s *Server) Projects() []Project { return s.projects.snapshot() }
