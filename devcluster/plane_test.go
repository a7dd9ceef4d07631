package devcluster

import (
	"context"
	"encoding/json"
	"net"
	"path/filepath"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"platform.company.com/workspace-flyte-integration/devcluster/binaries"
)

func TestStart_HasThePinnedVersion(t *testing.T) {
	t.Parallel()
	c := sharedCluster(t)
	cfg, err := clientcmd.BuildConfigFromFlags("", c.Kubeconfig())
	if err != nil {
		t.Fatal(err)
	}
	var got struct{ GitVersion, Major, Minor string }
	body, err := clientFor(t, cfg).RESTClient().Get().AbsPath("/version").DoRaw(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatal(err)
	}
	want, err := binaries.KubernetesVersion()
	if err != nil {
		t.Fatal(err)
	}
	if got.GitVersion != want || want != "v"+got.Major+"."+got.Minor+filepath.Ext(want) {
		t.Errorf("the API server reports %+v, want %s", got, want)
	}
}

func TestStart_RunsTheControllers(t *testing.T) {
	t.Parallel()
	c := sharedCluster(t)
	client, name := clientFor(t, c.Config()), createNamespace(t, c)
	quota := &corev1.ResourceQuota{
		ObjectMeta: metav1.ObjectMeta{Name: "quota"},
		Spec:       corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{corev1.ResourceConfigMaps: resource.MustParse("5")}},
	}
	if _, err := client.ResourceQuotas(name).Create(t.Context(), quota, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, func(ctx context.Context) error { // the ServiceAccount controller
		_, err := client.ServiceAccounts(name).Get(ctx, "default", metav1.GetOptions{})
		return err
	})
	eventually(t, func(ctx context.Context) error { // the quota controller
		got, err := client.ResourceQuotas(name).Get(ctx, "quota", metav1.GetOptions{})
		if err == nil && len(got.Status.Used) == 0 {
			err = errNotYet
		}
		return err
	})
	if err := client.Namespaces().Delete(t.Context(), name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, func(ctx context.Context) error { // the namespace controller
		_, err := client.Namespaces().Get(ctx, name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		return errNotYet
	})
}

func TestStart_DeniesByDefault(t *testing.T) {
	t.Parallel()
	c := sharedCluster(t)
	cfg := serviceAccountConfig(t, c, createNamespace(t, c))
	_, err := clientFor(t, cfg).Namespaces().List(t.Context(), metav1.ListOptions{})
	if !apierrors.IsForbidden(err) {
		t.Errorf("a ServiceAccount without roles got %v, want Forbidden", err)
	}
	unknown := c.Config()
	unknown.BearerToken = "unknown"
	_, err = clientFor(t, unknown).Namespaces().List(t.Context(), metav1.ListOptions{})
	if !apierrors.IsUnauthorized(err) {
		t.Errorf("an unknown token got %v, want Unauthorized", err)
	}
}

// serviceAccountConfig reads a kubeconfig file, as a binary does.
func serviceAccountConfig(t *testing.T, c *Cluster, namespace string) *rest.Config {
	t.Helper()
	accounts := clientFor(t, c.Config()).ServiceAccounts(namespace)
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "tester"}}
	if _, err := accounts.Create(t.Context(), account, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	token, err := accounts.CreateToken(t.Context(), account.Name, &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	cfg := c.Config()
	cfg.BearerToken = token.Status.Token
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := WriteKubeconfig(path, cfg); err != nil {
		t.Fatal(err)
	}
	read, err := clientcmd.BuildConfigFromFlags("", path)
	if err != nil {
		t.Fatal(err)
	}
	return read
}

// TestStart_ContinuesWithTheStateOfItsDir also loses a port to another process.
func TestStart_ContinuesWithTheStateOfItsDir(t *testing.T) {
	t.Parallel()
	options := Options{Dir: t.TempDir(), Token: "given"}
	first := startForTest(t, options, freePorts)
	name := createNamespace(t, first)
	account := serviceAccountConfig(t, first, name)
	if _, err := openState(options.Dir); err == nil {
		t.Error("two clusters may use one directory")
	}
	first.Stop()

	second := startForTest(t, options, losingOnce(t))
	defer second.Stop()
	client := clientFor(t, second.Config())
	if _, err := client.Namespaces().Get(t.Context(), name, metav1.GetOptions{}); err != nil {
		t.Errorf("getting the namespace of the first run: %v", err)
	}
	account.Host, account.CAData = second.Config().Host, second.Config().CAData
	if _, err := clientFor(t, account).Namespaces().List(t.Context(), metav1.ListOptions{}); !apierrors.IsForbidden(err) {
		t.Errorf("the ServiceAccount token of the first run got %v, want Forbidden", err)
	}
}

// losingOnce picks a taken port first, and then free ones.
func losingOnce(t *testing.T) func() (ports, error) {
	t.Helper()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { taken.Close() })
	port := taken.Addr().(*net.TCPAddr).Port
	lost := false
	return func() (ports, error) {
		p, err := freePorts()
		if !lost {
			lost, p.apiServer = true, port
		}
		return p, err
	}
}
