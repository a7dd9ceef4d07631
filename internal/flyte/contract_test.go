package flyte_test

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/admin"
	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/service"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"platform.company.com/workspace-flyte-integration/internal/flyte"
	"platform.company.com/workspace-flyte-integration/internal/flyte/flyteidl2"
	"platform.company.com/workspace-flyte-integration/internal/flyte/flytetest"
)

const ownerLabel = "platform.company.com/workspace"

// flyteServer is the Flyte under test: a double, or the real one at FLYTE_TEST_ENDPOINT (gRPC without TLS), which speaks
// FLYTE_TEST_API (v1 by default).
type flyteServer struct {
	raw    rawProjects
	v1     service.AdminServiceClient
	v2     flyteidl2.ProjectServiceClient
	client *flyte.Client
	// wrongAPI is a client of the other API at the same endpoint.
	wrongAPI *flyte.Client
}

// TestContract runs against the doubles and a real Flyte; a difference is a bug of the double. It creates its own projects and leaves
// them archived.
func TestContract(t *testing.T) {
	t.Run("double", func(t *testing.T) { contractV1(t, connect(t, startDouble(t).Addr())) })
	t.Run("double of v2", func(t *testing.T) { contractV2(t, connectV2(t, startDoubleV2(t).Addr())) })
	endpoint := os.Getenv("FLYTE_TEST_ENDPOINT")
	if endpoint == "" {
		return
	}
	switch api := flyte.API(os.Getenv("FLYTE_TEST_API")); api {
	case flyte.V1, "":
		t.Run("real", func(t *testing.T) { contractV1(t, connect(t, endpoint)) })
	case flyte.V2:
		t.Run("real", func(t *testing.T) { contractV2(t, connectV2(t, endpoint)) })
	default:
		t.Fatalf("FLYTE_TEST_API is %q, want v1 or v2", api)
	}
}

func contractV1(t *testing.T, f flyteServer) {
	t.Helper()
	t.Run("server", func(t *testing.T) { serverContract(t, f) })
	t.Run("listing", func(t *testing.T) { listingContract(t, f) })
	t.Run("client", func(t *testing.T) { clientContract(t, f); clientContractV1(t, f) })
	t.Run("probe", func(t *testing.T) { probeContract(t, f) })
	t.Run("attributes", func(t *testing.T) {
		attributesContract(t, f)
		attributesLimits(t, f)
		attributesRefusals(t, f)
	})
}

func contractV2(t *testing.T, f flyteServer) {
	t.Helper()
	t.Run("server", func(t *testing.T) { serverContractV2(t, f) })
	t.Run("listing", func(t *testing.T) { listingContractV2(t, f) })
	t.Run("client", func(t *testing.T) { clientContract(t, f); clientContractV2(t, f) })
	t.Run("probe", func(t *testing.T) { probeContract(t, f) })
}

func startDouble(t *testing.T) *flytetest.Server {
	t.Helper()
	server, err := flytetest.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	return server
}

func startDoubleV2(t *testing.T) *flytetest.Server {
	t.Helper()
	server, err := flytetest.StartV2()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	return server
}

func connect(t *testing.T, endpoint string) flyteServer {
	t.Helper()
	v1 := service.NewAdminServiceClient(dial(t, endpoint))
	return flyteServer{
		raw: rawV1{v1}, v1: v1, client: newClient(t, flyte.Options{Endpoint: endpoint}),
		wrongAPI: newClient(t, flyte.Options{Endpoint: endpoint, API: flyte.V2}),
	}
}

func connectV2(t *testing.T, endpoint string) flyteServer {
	t.Helper()
	v2 := flyteidl2.NewProjectServiceClient(dial(t, endpoint))
	return flyteServer{
		raw: rawV2{v2}, v2: v2, client: newClient(t, flyte.Options{Endpoint: endpoint, API: flyte.V2}),
		wrongAPI: newClient(t, flyte.Options{Endpoint: endpoint}),
	}
}

func dial(t *testing.T, endpoint string) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(endpoint, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// newClient has long deadlines by default, so that tests pass on a busy machine.
func newClient(t *testing.T, options flyte.Options) *flyte.Client {
	t.Helper()
	options.OwnerLabel = ownerLabel
	if options.CallTimeout == 0 {
		options.CallTimeout = time.Minute
	}
	connect := grpc.ConnectParams{Backoff: backoff.DefaultConfig, MinConnectTimeout: time.Minute}
	connect.Backoff.MaxDelay = 5 * time.Second
	options.DialOptions = append([]grpc.DialOption{grpc.WithConnectParams(connect)}, options.DialOptions...)
	client, err := flyte.New(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// newID is a unique project id. A project with it is archived at the end of the test.
func (f flyteServer) newID(t *testing.T) string {
	t.Helper()
	random := make([]byte, 8)
	_, _ = rand.Read(random)
	id := "contract-" + hex.EncodeToString(random)
	t.Cleanup(func() { f.archive(id) })
	return id
}

// archive ignores NotFound, since a test may not have created the project.
func (f flyteServer) archive(id string) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_ = f.raw.update(ctx, &admin.Project{Id: id, State: admin.Project_ARCHIVED})
}

func (f flyteServer) register(t *testing.T, project *admin.Project) {
	t.Helper()
	if err := f.raw.register(t.Context(), project); err != nil {
		t.Fatalf("registering %q: %v", project.GetId(), err)
	}
}

func (f flyteServer) update(t *testing.T, project *admin.Project) {
	t.Helper()
	if err := f.raw.update(t.Context(), project); err != nil {
		t.Fatalf("updating %q: %v", project.GetId(), err)
	}
}

func (f flyteServer) get(t *testing.T, id string) *admin.Project {
	t.Helper()
	project, err := f.raw.get(t.Context(), id)
	if err != nil {
		t.Fatalf("getting %q: %v", id, err)
	}
	return project
}

// wantProject treats empty and missing labels alike.
func (f flyteServer) wantProject(t *testing.T, want *admin.Project) {
	t.Helper()
	got := withLabels(f.get(t, want.GetId()))
	diff := cmp.Diff(withLabels(want), got, protocmp.Transform(), protocmp.IgnoreFields(&admin.Project{}, "domains"))
	if diff != "" {
		t.Errorf("project differs (-want +got):\n%s", diff)
	}
}

func withLabels(p *admin.Project) *admin.Project {
	p = proto.CloneOf(p)
	p.Labels = &admin.Labels{Values: p.GetLabels().GetValues()}
	return p
}

func labels(pairs ...string) *admin.Labels {
	values := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		values[pairs[i]] = pairs[i+1]
	}
	return &admin.Labels{Values: values}
}

func wantCode(t *testing.T, want codes.Code, err error) {
	t.Helper()
	if got := status.Code(err); got != want {
		t.Errorf("code is %v, want %v (%v)", got, want, err)
	}
}

func serverContract(t *testing.T, f flyteServer) {
	t.Helper()
	ctx := t.Context()
	t.Run("RegistersAndKeepsState", func(t *testing.T) {
		for _, state := range []admin.Project_ProjectState{admin.Project_ACTIVE, admin.Project_ARCHIVED} {
			project := &admin.Project{
				Id: f.newID(t), Name: "Fraud", Description: "Cards", Labels: labels(ownerLabel, "ws-1"), State: state,
			}
			f.register(t, project)
			f.wantProject(t, project)
			_, err := f.v1.RegisterProject(ctx, &admin.ProjectRegisterRequest{Project: project})
			wantCode(t, codes.AlreadyExists, err)
		}
	})
	t.Run("ReturnsDomains", func(t *testing.T) {
		id := f.newID(t)
		f.register(t, &admin.Project{Id: id, Name: "n"})
		answer, err := f.v1.GetDomains(ctx, &admin.GetDomainRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(answer.GetDomains(), f.get(t, id).GetDomains(), protocmp.Transform()); diff != "" {
			t.Errorf("domains of the project differ from those of Flyte (-flyte +project):\n%s", diff)
		}
	})
	t.Run("ReturnsNotFound", func(t *testing.T) {
		_, err := f.v1.GetProject(ctx, &admin.ProjectGetRequest{Id: f.newID(t)})
		wantCode(t, codes.NotFound, err)
		// NotFound outranks InvalidArgument.
		_, err = f.v1.UpdateProject(ctx, &admin.Project{Id: f.newID(t), Name: strings.Repeat("n", 65)})
		wantCode(t, codes.NotFound, err)
	})
	t.Run("RefusesNoID", func(t *testing.T) {
		f.register(t, &admin.Project{Id: f.newID(t), Name: "n"})
		_, err := f.v1.GetProject(ctx, &admin.ProjectGetRequest{})
		wantCode(t, codes.InvalidArgument, err)
		_, err = f.v1.UpdateProject(ctx, &admin.Project{})
		wantCode(t, codes.InvalidArgument, err)
		_, err = f.v1.RegisterProject(ctx, &admin.ProjectRegisterRequest{})
		wantCode(t, codes.InvalidArgument, err)
	})
	t.Run("UpdateAlwaysWritesState", func(t *testing.T) {
		id := f.newID(t)
		f.register(t, &admin.Project{Id: id, Name: "n", State: admin.Project_ARCHIVED})
		f.update(t, &admin.Project{Id: id})
		f.wantProject(t, &admin.Project{Id: id, Name: "n"})
	})
	t.Run("UpdateKeepsAbsentFields", func(t *testing.T) {
		full := &admin.Project{Id: f.newID(t), Name: "n", Description: "d", Labels: labels("a", "1", "b", "2")}
		f.register(t, full)
		f.update(t, &admin.Project{Id: full.GetId()})
		f.wantProject(t, full)
		f.update(t, &admin.Project{Id: full.GetId(), Labels: labels("c", "3")})
		f.wantProject(t, &admin.Project{Id: full.GetId(), Name: "n", Description: "d", Labels: labels("c", "3")})
		f.update(t, &admin.Project{Id: full.GetId(), Labels: labels()})
		f.wantProject(t, &admin.Project{Id: full.GetId(), Name: "n", Description: "d", Labels: labels()})
	})
	t.Run("ReturnsVersion", func(t *testing.T) {
		if _, err := f.v1.GetVersion(ctx, &admin.GetVersionRequest{}); err != nil {
			t.Error(err)
		}
	})
	t.Run("Validates", func(t *testing.T) { validationContract(t, f) })
}

func validationContract(t *testing.T, f flyteServer) {
	t.Helper()
	many := func(n int) *admin.Labels {
		l := labels()
		for i := range n {
			l.Values["l"+strings.Repeat("x", i)] = "v"
		}
		return l
	}
	tests := map[string]struct {
		project *admin.Project
		want    codes.Code
	}{
		"longest id":            {&admin.Project{Id: f.longID(t, 63)}, codes.OK},
		"id too long":           {&admin.Project{Id: f.longID(t, 64)}, codes.InvalidArgument},
		"id with upper case":    {&admin.Project{Id: "X" + f.newID(t)}, codes.InvalidArgument},
		"id with a dot":         {&admin.Project{Id: "a." + f.newID(t)}, codes.InvalidArgument},
		"id ends in a dash":     {&admin.Project{Id: f.newID(t) + "-"}, codes.InvalidArgument},
		"longest name":          {&admin.Project{Name: strings.Repeat("n", 64)}, codes.OK},
		"name too long":         {&admin.Project{Name: strings.Repeat("n", 65)}, codes.InvalidArgument},
		"name counted in bytes": {&admin.Project{Name: strings.Repeat("ä", 33)}, codes.InvalidArgument},
		"longest description":   {&admin.Project{Description: strings.Repeat("d", 300)}, codes.OK},
		"description too long":  {&admin.Project{Description: strings.Repeat("d", 301)}, codes.InvalidArgument},
		"most labels":           {&admin.Project{Labels: many(16)}, codes.OK},
		"too many labels":       {&admin.Project{Labels: many(17)}, codes.InvalidArgument},
		"label with a prefix":   {&admin.Project{Labels: labels(ownerLabel, "a_b.C-9", "empty", "")}, codes.OK},
		"label prefix invalid":  {&admin.Project{Labels: labels("Company_com/x", "v")}, codes.InvalidArgument},
		"label key invalid":     {&admin.Project{Labels: labels("a b", "v")}, codes.InvalidArgument},
		"label key too long":    {&admin.Project{Labels: labels(strings.Repeat("k", 64), "v")}, codes.InvalidArgument},
		"label value invalid":   {&admin.Project{Labels: labels("k", "ana@company.com")}, codes.InvalidArgument},
		"label value too long":  {&admin.Project{Labels: labels("k", strings.Repeat("v", 64))}, codes.InvalidArgument},
		"domains":               {&admin.Project{Domains: []*admin.Domain{{Id: "development"}}}, codes.InvalidArgument},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if test.project.GetId() == "" {
				test.project.Id = f.newID(t)
			}
			if test.project.GetName() == "" {
				test.project.Name = "n"
			}
			_, err := f.v1.RegisterProject(t.Context(), &admin.ProjectRegisterRequest{Project: test.project})
			wantCode(t, test.want, err)
		})
	}
	t.Run("no name", func(t *testing.T) {
		_, err := f.v1.RegisterProject(t.Context(), &admin.ProjectRegisterRequest{Project: &admin.Project{Id: f.newID(t)}})
		wantCode(t, codes.InvalidArgument, err)
	})
	t.Run("domains in an update", func(t *testing.T) {
		id := f.newID(t)
		f.register(t, &admin.Project{Id: id, Name: "n"})
		_, err := f.v1.UpdateProject(t.Context(), f.get(t, id))
		wantCode(t, codes.InvalidArgument, err)
	})
}

func (f flyteServer) longID(t *testing.T, length int) string {
	t.Helper()
	id := f.newID(t)
	id += strings.Repeat("x", length-len(id))
	t.Cleanup(func() { f.archive(id) })
	return id
}
