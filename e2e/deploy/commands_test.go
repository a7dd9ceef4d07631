package deploy

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"platform.company.com/workspace-flyte-integration/devcluster"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
)

const (
	namespace = "platform-services"
	release   = "workspace-flyte-integration"

	pollInterval = 100 * time.Millisecond
	patience     = time.Minute
)

// commands are those that scripts have besides testscript's own.
func commands(cluster *devcluster.Cluster) map[string]func(*testscript.TestScript, bool, []string) {
	admin := func(ts *testscript.TestScript) client.Client {
		c, err := adminOf(cluster)
		ts.Check(err)
		return c
	}
	return map[string]func(*testscript.TestScript, bool, []string){
		"code":       harness.Code,
		"pending":    func(ts *testscript.TestScript, _ bool, args []string) { pending(ts, admin(ts), args) },
		"byhand":     func(ts *testscript.TestScript, _ bool, args []string) { byHand(ts, admin(ts), args) },
		"object":     func(ts *testscript.TestScript, neg bool, args []string) { object(ts, neg, admin(ts), args) },
		"metrics":    func(ts *testscript.TestScript, _ bool, _ []string) { measure(ts, admin(ts)) },
		"awaitimage": func(ts *testscript.TestScript, _ bool, args []string) { awaitImage(ts, admin(ts), args[0]) },
		"nosecret":   func(ts *testscript.TestScript, _ bool, _ []string) { noSecret(ts, admin(ts)) },
	}
}

func adminOf(cluster *devcluster.Cluster) (client.Client, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, apiextensionsv1.AddToScheme} {
		if err := add(scheme); err != nil {
			return nil, err
		}
	}
	return client.New(cluster.Config(), client.Options{Scheme: scheme})
}

// installMetrics makes the API server serve the kind of metrics-server, with what `metrics` stores.
func installMetrics(ctx context.Context, cluster *devcluster.Cluster) error {
	admin, err := adminOf(cluster)
	if err != nil {
		return err
	}
	text, err := os.ReadFile("testdata/metrics.yaml")
	if err != nil {
		return err
	}
	crd := &apiextensionsv1.CustomResourceDefinition{}
	if err := yaml.UnmarshalStrict(text, crd); err != nil {
		return err
	}
	return admin.Create(ctx, crd)
}

// measure is the command "metrics": it stores the usage of each pod of the service.
func measure(ts *testscript.TestScript, admin client.Client) {
	var pods corev1.PodList
	ts.Check(admin.List(context.Background(), &pods, client.InNamespace(namespace)))
	for _, pod := range pods.Items {
		usage := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "metrics.k8s.io/v1beta1", "kind": "PodMetrics",
			"containers": []any{map[string]any{"name": "integration", "usage": map[string]any{"cpu": "1500u", "memory": "64Mi"}}},
		}}
		usage.SetNamespace(namespace)
		usage.SetName(pod.Name)
		usage.SetLabels(pod.Labels)
		ts.Check(client.IgnoreAlreadyExists(admin.Create(context.Background(), usage)))
	}
}

// pending is the command "pending REVISION STATUS": the newest revision looks as if the program had been killed while it applied it.
func pending(ts *testscript.TestScript, admin client.Client, args []string) {
	secret := &corev1.Secret{}
	name := "sh.helm.release.v1." + release + ".v" + args[0]
	ts.Check(admin.Get(context.Background(), client.ObjectKey{Namespace: namespace, Name: name}, secret))
	ts.Check(setStatus(secret, args[1]))
	ts.Check(admin.Update(context.Background(), secret))
}

// byHand is the command "byhand replicas N" or "byhand env NAME VALUE": it changes the Deployment as a person does with kubectl.
func byHand(ts *testscript.TestScript, admin client.Client, args []string) {
	d := &appsv1.Deployment{}
	ts.Check(admin.Get(context.Background(), client.ObjectKey{Namespace: namespace, Name: release}, d))
	switch args[0] {
	case "replicas":
		n, err := strconv.Atoi(args[1])
		ts.Check(err)
		d.Spec.Replicas = new(int32(n)) //nolint:gosec // a small number
	case "log-level":
		config := &corev1.ConfigMap{}
		ts.Check(admin.Get(context.Background(), client.ObjectKey{Namespace: namespace, Name: release}, config))
		config.Data["LOG_LEVEL"] = args[1]
		ts.Check(admin.Update(context.Background(), config, client.FieldOwner("kubectl-edit")))
		return
	}
	ts.Check(admin.Update(context.Background(), d, client.FieldOwner("kubectl-edit")))
}

// awaitImage is the command "awaitimage IMAGE": it waits until the Deployment has that image.
func awaitImage(ts *testscript.TestScript, admin client.Client, image string) {
	ts.Check(wait.PollUntilContextTimeout(context.Background(), pollInterval, patience, true, func(ctx context.Context) (bool, error) {
		d := &appsv1.Deployment{}
		err := admin.Get(ctx, client.ObjectKey{Namespace: namespace, Name: release}, d)
		return err == nil && d.Spec.Template.Spec.Containers[0].Image == image, err
	}))
}

// object is the command "object [GROUP/]VERSION KIND NAME": the object must exist.
func object(ts *testscript.TestScript, neg bool, admin client.Client, args []string) {
	o := &metav1.PartialObjectMetadata{}
	o.APIVersion, o.Kind = args[0], args[1]
	key := client.ObjectKey{Name: args[2]}
	if ns, name, ok := strings.Cut(args[2], "/"); ok {
		key = client.ObjectKey{Namespace: ns, Name: name}
	}
	err := admin.Get(context.Background(), key, o)
	if neg {
		if client.IgnoreNotFound(err) != nil || err == nil && o.DeletionTimestamp == nil {
			ts.Fatalf("%s: %v", strings.Join(args, " "), err)
		}
		return
	}
	ts.Check(err)
}

// noSecret is the command "nosecret": the last program must not have printed a webhook secret.
func noSecret(ts *testscript.TestScript, admin client.Client) {
	var secrets corev1.SecretList
	ts.Check(admin.List(context.Background(), &secrets, client.InNamespace(namespace)))
	printed := ts.ReadFile("stdout") + ts.ReadFile("stderr")
	checked := 0
	for i := range secrets.Items {
		for secret := range strings.FieldsSeq(string(secrets.Items[i].Data["webhook-secret"])) {
			checked++
			if strings.Contains(printed, secret) || strings.Contains(printed, strings.TrimPrefix(secret, "whsec_")) {
				ts.Fatalf("the last program has printed a secret")
			}
		}
	}
	if checked == 0 {
		ts.Fatalf("%s", fmt.Sprint("there is no webhook secret in ", namespace))
	}
}
