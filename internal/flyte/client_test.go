package flyte_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/admin"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"platform.company.com/workspace-flyte-integration/internal/flyte"
	"platform.company.com/workspace-flyte-integration/internal/flyte/flytetest"
	"platform.company.com/workspace-flyte-integration/internal/printable"
)

func start(t *testing.T) (*flytetest.Server, flyteServer) {
	t.Helper()
	server := startDouble(t)
	return server, connect(t, server.Addr())
}

func wantCalls(t *testing.T, server *flytetest.Server, want map[string]int) {
	t.Helper()
	if diff := cmp.Diff(want, server.Calls()); diff != "" {
		t.Errorf("calls differ (-want +got):\n%s", diff)
	}
}

func TestClient_RegistersOnce(t *testing.T) {
	server, f := start(t)
	want := newProject("ws-1")
	f.ensure(t, want, true)
	f.ensure(t, want, false)
	f.ensure(t, want, false)
	wantCalls(t, server, map[string]int{"GetProject": 3, "RegisterProject": 1})
	stored := []flytetest.Project{{ID: "ws-1", Name: "Fraud", Description: "Cards", Labels: want.Labels}}
	if diff := cmp.Diff(stored, server.Projects()); diff != "" {
		t.Errorf("projects differ (-want +got):\n%s", diff)
	}
}

func TestClient_RegistersArchivedInOneCall(t *testing.T) {
	server, f := start(t)
	want := newProject("ws-1")
	want.Archived = true
	f.ensure(t, want, true)
	wantCalls(t, server, map[string]int{"GetProject": 1, "RegisterProject": 1})
}

func TestClient_RepairsInOneUpdate(t *testing.T) {
	server, f := start(t)
	want := newProject("ws-1")
	f.ensure(t, want, true)
	want.Name, want.Description, want.Archived = "Other", "Other", true
	f.ensure(t, want, true)
	f.ensure(t, want, false)
	wantCalls(t, server, map[string]int{"GetProject": 3, "RegisterProject": 1, "UpdateProject": 1})
}

// TestClient_HandlesAConcurrentRegistration: another client registers the project after we have read that it does not exist.
func TestClient_HandlesAConcurrentRegistration(t *testing.T) {
	tests := map[string]struct {
		owner, name string
		wantErr     error
		wantCalls   map[string]int
	}{
		"as desired": {"ws-1", "Fraud", nil, map[string]int{"GetProject": 2, "RegisterProject": 2}},
		"different":  {"ws-1", "Old", nil, map[string]int{"GetProject": 2, "RegisterProject": 2, "UpdateProject": 1}},
		"of another": {"ws-2", "Fraud", flyte.ErrConflict, map[string]int{"GetProject": 2, "RegisterProject": 2}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			server, f := start(t)
			f.register(t, &admin.Project{Id: "ws-1", Name: test.name, Description: "Cards", Labels: labels(ownerLabel, test.owner)})
			server.FailNext(codes.NotFound, 1)
			changed, err := f.client.EnsureProject(t.Context(), newProject("ws-1"))
			if wantChanged := test.wantCalls["UpdateProject"] > 0; changed != wantChanged || !errors.Is(err, test.wantErr) {
				t.Errorf("got %v, %v, want %v, %v", changed, err, wantChanged, test.wantErr)
			}
			wantCalls(t, server, test.wantCalls)
		})
	}
}

func TestClient_RecoversFromALostResponse(t *testing.T) {
	server, f := start(t)
	want := newProject("ws-1")
	for _, archived := range []bool{false, true} { // a register, then an update
		want.Archived = archived
		server.LoseAnswers(1)
		if _, err := f.client.EnsureProject(t.Context(), want); !errors.Is(err, flyte.ErrUnavailable) {
			t.Fatalf("the lost response gives %v, want ErrUnavailable", err)
		}
		f.ensure(t, want, false)
		f.wantProject(t, message(want))
	}
	wantCalls(t, server, map[string]int{"GetProject": 6, "RegisterProject": 1, "UpdateProject": 1})
}

func TestClient_MapsCodes(t *testing.T) {
	want := map[codes.Code]error{
		codes.Unknown: flyte.ErrUnavailable, codes.InvalidArgument: flyte.ErrInvalid, codes.DeadlineExceeded: flyte.ErrUnavailable,
		codes.AlreadyExists: flyte.ErrUnavailable, codes.PermissionDenied: flyte.ErrUnauthorized,
		codes.ResourceExhausted: flyte.ErrUnavailable, codes.FailedPrecondition: flyte.ErrUnavailable,
		codes.Aborted: flyte.ErrUnavailable, codes.OutOfRange: flyte.ErrInvalid, codes.Unimplemented: flyte.ErrUnavailable,
		codes.Internal: flyte.ErrUnavailable, codes.Unavailable: flyte.ErrUnavailable, codes.DataLoss: flyte.ErrUnavailable,
		codes.Unauthenticated: flyte.ErrUnauthorized, codes.Canceled: flyte.ErrUnavailable,
	}
	for code, kind := range want {
		t.Run(code.String(), func(t *testing.T) {
			server, f := start(t)
			server.FailNext(code, 10)
			_, err := f.client.EnsureProject(t.Context(), newProject("ws-1"))
			_, versionErr := f.client.Version(t.Context())
			if !errors.Is(err, kind) || !errors.Is(versionErr, kind) {
				t.Errorf("errors are %v and %v, want %v", err, versionErr, kind)
			}
			if projects := server.Projects(); len(projects) > 0 {
				t.Errorf("failures left %v", projects)
			}
		})
	}
}

func TestClient_RecoversWhenFlyteReturns(t *testing.T) {
	server, f := start(t)
	server.SetUnavailable(true)
	if _, err := f.client.EnsureProject(t.Context(), newProject("ws-1")); !errors.Is(err, flyte.ErrUnavailable) {
		t.Errorf("error is %v, want ErrUnavailable", err)
	}
	server.SetUnavailable(false)
	f.ensure(t, newProject("ws-1"), true)
}

func TestClient_FailsIfNothingListens(t *testing.T) {
	server, f := start(t)
	server.Stop()
	if _, err := f.client.Version(t.Context()); !errors.Is(err, flyte.ErrUnavailable) {
		t.Errorf("error is %v, want ErrUnavailable", err)
	}
}

func TestClient_FailsAtItsDeadline(t *testing.T) {
	for _, method := range []string{"GetProject", "RegisterProject", "UpdateProject", "GetVersion"} {
		t.Run(method, func(t *testing.T) {
			server, f := start(t)
			want := newProject("ws-1")
			if method == "UpdateProject" {
				f.ensure(t, want, true)
				want.Archived = true
			}
			t.Cleanup(server.Hang(method))
			client := newClient(t, flyte.Options{Endpoint: server.Addr(), CallTimeout: 50 * time.Millisecond})
			begin := time.Now()
			_, err := client.EnsureProject(t.Context(), want)
			if method == "GetVersion" {
				_, err = client.Version(t.Context())
			}
			if waited := time.Since(begin); !errors.Is(err, flyte.ErrUnavailable) || waited > 5*time.Second {
				t.Errorf("error after %v is %v, want ErrUnavailable at the deadline", waited, err)
			}
		})
	}
}

func TestClient_ContinuesAfterAHang(t *testing.T) {
	server, f := start(t)
	release := server.Hang("RegisterProject")
	done := make(chan error)
	go func() {
		_, err := f.client.EnsureProject(t.Context(), newProject("ws-1"))
		done <- err
	}()
	awaitHanging(t, server, "RegisterProject")
	if projects := server.Projects(); len(projects) > 0 {
		t.Errorf("a hanging call took effect: %v", projects)
	}
	release()
	release()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// awaitHanging waits until a call of the method hangs.
func awaitHanging(t *testing.T, server *flytetest.Server, method string) {
	t.Helper()
	poll := time.NewTicker(time.Millisecond)
	defer poll.Stop()
	for server.Hanging(method) == 0 {
		<-poll.C
	}
}

// TestClient_FailsOnASilentServer has a server that accepts the connection and never sends anything.
func TestClient_FailsOnASilentServer(t *testing.T) {
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	client := newClient(t, flyte.Options{Endpoint: listener.Addr().String(), CallTimeout: 50 * time.Millisecond})
	if _, err := client.Version(t.Context()); !errors.Is(err, flyte.ErrUnavailable) {
		t.Errorf("error is %v, want ErrUnavailable", err)
	}
}

func TestClient_ReturnsWhenCanceled(t *testing.T) {
	server, f := start(t)
	t.Cleanup(server.Hang())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := f.client.EnsureProject(ctx, newProject("ws-1"))
	if !errors.Is(err, context.Canceled) || errors.Is(err, flyte.ErrUnavailable) {
		t.Errorf("error is %v, want only context.Canceled", err)
	}
}

func TestClient_ValidatesBeforeCalling(t *testing.T) {
	tests := map[string]func(*flyte.Project){
		"no owner label": func(p *flyte.Project) { p.Labels = map[string]string{"team": "ml"} },
		"no id":          func(p *flyte.Project) { p.ID = "" },
		"invalid UTF-8":  func(p *flyte.Project) { p.Name = "\xff" },
		"NUL":            func(p *flyte.Project) { p.Description = "a\x00b" },
		"label not text": func(p *flyte.Project) { p.Labels["team"] = "\xff" },
	}
	server, f := start(t)
	for name, spoil := range tests {
		t.Run(name, func(t *testing.T) {
			want := newProject("ws-1")
			spoil(&want)
			if _, err := f.client.EnsureProject(t.Context(), want); !errors.Is(err, flyte.ErrInvalid) {
				t.Errorf("error is %v, want ErrInvalid", err)
			}
		})
	}
	wantCalls(t, server, nil)
}

func TestClient_BoundsAndCleansMessages(t *testing.T) {
	server := startDouble(t)
	hostile := "a\x1b[31m\u202eb\u2028\r\n" + strings.Repeat("x", 10_000)
	client := newClient(t, flyte.Options{Endpoint: server.Addr(), DialOptions: []grpc.DialOption{grpc.WithUnaryInterceptor(
		func(context.Context, string, any, any, *grpc.ClientConn, grpc.UnaryInvoker, ...grpc.CallOption) error {
			return status.Error(codes.InvalidArgument, hostile)
		})}})
	_, err := client.EnsureProject(t.Context(), newProject(strings.Repeat("y", 10_000)))
	if !errors.Is(err, flyte.ErrInvalid) {
		t.Fatalf("error is %v, want ErrInvalid", err)
	}
	text := err.Error()
	if len(text) > 800 || !strings.Contains(text, "a\ufffd[31m\ufffdb\ufffd  xxx") || !printable.Is(text) {
		t.Errorf("error of %d bytes is not bounded or not clean: %q", len(text), text)
	}
}

func TestNew_RefusesBadOptions(t *testing.T) {
	tests := map[string]flyte.Options{
		"no endpoint":    {OwnerLabel: ownerLabel},
		"no owner label": {Endpoint: "localhost:81"},
		"secret w/o TLS": {Endpoint: "localhost:81", OwnerLabel: ownerLabel, Credentials: &flyte.ClientCredentials{ID: "x"}},
		"bad target":     {Endpoint: "\x7f://", OwnerLabel: ownerLabel},
	}
	for name, options := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := flyte.New(options); err == nil {
				t.Error("no error")
			}
		})
	}
}

func TestConsoleURL(t *testing.T) {
	tests := []struct {
		api                         flyte.API
		base, project, domain, want string
	}{
		{"", "https://flyte.company.com", "ws-1", "", "https://flyte.company.com/console/projects/ws-1"},
		{flyte.V1, "https://flyte.company.com/", "ws-1", "", "https://flyte.company.com/console/projects/ws-1"},
		{flyte.V1, "https://flyte.company.com/console/", "ws-1", "", "https://flyte.company.com/console/projects/ws-1"},
		{flyte.V1, "https://company.com/flyte", "ws-1", "", "https://company.com/flyte/console/projects/ws-1"},
		{flyte.V2, "https://flyte.company.com", "ws-1", "staging", "https://flyte.company.com/v2/domain/staging/project/ws-1/runs"},
		{flyte.V2, "https://flyte.company.com/v2/", "ws-1", "staging", "https://flyte.company.com/v2/domain/staging/project/ws-1/runs"},
		{flyte.V2, "https://flyte.company.com", "ws-1", "", "https://flyte.company.com/v2"},
		{flyte.V2, "http://f", "a/../b?c", "d&/e", "http://f/v2/domain/d&%2Fe/project/a%2F..%2Fb%3Fc/runs"},
		{
			flyte.V1, "https://flyte.company.com", "ws-1", "development",
			"https://flyte.company.com/console/projects/ws-1/workflows?domain=development",
		},
		{flyte.V1, "http://f", "a/../b?c", "d&e", "http://f/console/projects/a%2F..%2Fb%3Fc/workflows?domain=d%26e"},
	}
	for _, test := range tests {
		if diff := cmp.Diff(test.want, flyte.ConsoleURL(test.api, test.base, test.project, test.domain)); diff != "" {
			t.Errorf("ConsoleURL(%q, %q, %q, %q) differs (-want +got):\n%s", test.api, test.base, test.project, test.domain, diff)
		}
	}
}
