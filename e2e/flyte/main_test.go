// Package flyte tells a data team's story on a real Flyte: its tasks run as pods in the workspace. It runs only by `make test-flyte`, with
//
//	FLYTE_TEST_CLUSTER   the kubeconfig of a cluster in which FlyteAdmin and propeller run, mapping namespaces by flyte-{{ project }}
//	FLYTE_TEST_ENDPOINT  FlyteAdmin's gRPC address there, without TLS, such as that of a port-forward
//	FLYTE_TEST_IMAGE     an image that the cluster's nodes can run, with sh and sleep
//
// The chart's objects stay in the cluster, as does the workspace, which is suspended.
package flyte

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/service"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	ours "platform.company.com/workspace-flyte-integration/devcluster/service"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
	"platform.company.com/workspace-flyte-integration/internal/k8s"
)

func TestMain(m *testing.M) {
	if os.Getenv("FLYTE_TEST_CLUSTER") == "" {
		fmt.Println("SKIP: these tests need a real Flyte; make test-flyte says how to name it") //nolint:forbidigo // for go test -v
		return
	}
	os.Exit(m.Run())
}

// suite is the service beside the cluster of a real Flyte.
type suite struct {
	service *ours.Service
	admin   client.Client
	flyte   service.AdminServiceClient
	image   string
}

func start(t *testing.T) *suite {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("FLYTE_TEST_CLUSTER"))
	harness.Must(t, err)
	harness.Must(t, rest.LoadTLSFiles(config))
	scheme, err := k8s.NewScheme()
	harness.Must(t, err)
	s := &suite{image: os.Getenv("FLYTE_TEST_IMAGE")}
	s.admin, err = client.New(config, client.Options{Scheme: scheme})
	harness.Must(t, err)
	endpoint := os.Getenv("FLYTE_TEST_ENDPOINT")
	connection, err := grpc.NewClient(endpoint, grpc.WithTransportCredentials(insecure.NewCredentials()))
	harness.Must(t, err)
	t.Cleanup(func() { _ = connection.Close() })
	s.flyte = service.NewAdminServiceClient(connection)

	dir := t.TempDir()
	integration, _, err := harness.Build(t.Context(), dir)
	harness.Must(t, err)
	s.service, err = ours.Install(t.Context(), ours.Options{Admin: config, Binary: integration, Flyte: endpoint, Dir: dir})
	harness.Must(t, err)
	harness.Must(t, s.service.Start(t.Context()))
	t.Cleanup(s.service.Stop)
	return s
}

func (s *suite) eventually(t *testing.T, what string, condition func(context.Context) bool) {
	t.Helper()
	harness.Eventually(t, what, func(ctx context.Context) bool {
		harness.Alive(t, s.service)
		return condition(ctx)
	})
}
