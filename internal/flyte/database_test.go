package flyte_test

import (
	"context"
	"errors"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"platform.company.com/workspace-flyte-integration/internal/flyte"
	"platform.company.com/workspace-flyte-integration/internal/flyte/flytetest"
)

// TestClient_RecognizesDatabaseFaults has responses of FlyteAdmin 1.16.8, which reports both a database fault and an invalid request
// as InvalidArgument.
func TestClient_RecognizesDatabaseFaults(t *testing.T) {
	tests := map[string]error{
		`cannot query with specified table attributes: relation "projects" does not exist`: flyte.ErrUnavailable,
		`failed to validate that project [x] and domain [development] are registered, err: [unexpected error type for: 127.0.0.1:5432 ` +
			`(127.0.0.1): server error: FATAL: sorry, too many clients already (SQLSTATE 53300)]`: flyte.ErrUnavailable,
		`failed to validate that project [x] is registered, err: [unexpected error type for: dial tcp: connection refused]`: flyte.ErrUnavailable,
		`failed to validate that project [x] exists, err: [failed database operation with out of shared memory]`:            flyte.ErrUnavailable,
		`project [x] is not active`:                        flyte.ErrInvalid,
		`domain [x] is unrecognized by system`:             flyte.ErrInvalid,
		`invalid label value [ana@company.com]: []`:        flyte.ErrInvalid,
		`project_description cannot exceed 300 characters`: flyte.ErrInvalid,
	}
	for message, want := range tests {
		t.Run(message, func(t *testing.T) {
			client := newClient(t, flyte.Options{Endpoint: "localhost:81", DialOptions: []grpc.DialOption{grpc.WithUnaryInterceptor(
				func(context.Context, string, any, any, *grpc.ClientConn, grpc.UnaryInvoker, ...grpc.CallOption) error {
					return status.Error(codes.InvalidArgument, message)
				})}})
			if _, err := client.EnsureProject(t.Context(), newProject("ws-1")); !errors.Is(err, want) {
				t.Errorf("error is %v, want %v", err, want)
			}
		})
	}
}

// TestClient_SurvivesDatabaseFaults: the database fails before the project is read, or between that and its attributes.
func TestClient_SurvivesDatabaseFaults(t *testing.T) {
	for _, fault := range []flytetest.DatabaseFault{flytetest.DatabaseUnreachable, flytetest.ProjectsTableMissing} {
		for _, method := range []string{"GetProject", "GetProjectDomainAttributes"} {
			t.Run(string(fault)+" at "+method, func(t *testing.T) {
				server, f := start(t)
				want := newProject("ws-1")
				f.ensure(t, want, true)
				want.Attributes = inAll([]string{"development"}, fullAttributes())
				release := server.Hang(method)
				failed := make(chan error, 1)
				go func() {
					_, err := f.client.EnsureProject(t.Context(), want)
					failed <- err
				}()
				awaitHanging(t, server, method)
				server.SetDatabaseFault(fault)
				release()
				if err := <-failed; !errors.Is(err, flyte.ErrUnavailable) {
					t.Errorf("error is %v, want ErrUnavailable", err)
				}
				server.SetDatabaseFault(flytetest.DatabaseWorks)
				f.ensure(t, want, true)
			})
		}
	}
}
