package k8s

import (
	"context"
	"fmt"
	"io"
	"maps"
	"strconv"

	"helm.sh/helm/v4/pkg/action"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	release "helm.sh/helm/v4/pkg/release/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
	"platform.company.com/workspace-flyte-integration/internal/rollout"
)

// Render implements [deploy.Renderer]. It does not reach the cluster.
func (t *Target) Render(_ context.Context, out io.Writer) error {
	_, values, err := t.chart()
	if err != nil {
		return err
	}
	objects, err := deploy.Render(deploy.Options{Release: t.o.Release, Namespace: t.o.Namespace, Values: values})
	if err != nil {
		return err
	}
	return writeManifests(out, objects)
}

// rendered are the objects of the chart for the version and the APIs of the cluster.
func (t *Target) rendered(values map[string]any) ([]*unstructured.Unstructured, error) {
	discovery, err := t.o.Cluster.ToDiscoveryClient()
	if err != nil {
		return nil, fmt.Errorf("making a client: %w", err)
	}
	version, err := discovery.ServerVersion()
	if err != nil {
		return nil, fmt.Errorf("reading the version of the cluster: %w", err)
	}
	apis, err := action.GetVersionSet(discovery)
	if err != nil {
		return nil, fmt.Errorf("reading the APIs of the cluster: %w", err)
	}
	return deploy.Render(deploy.Options{
		Release: t.o.Release, Namespace: t.o.Namespace, Values: values, KubeVersion: version.GitVersion, APIVersions: apis,
	})
}

// chart returns the chart, and the values that the options give it.
func (t *Target) chart() (c *chart.Chart, values map[string]any, err error) {
	if c, err = deploy.Chart(); err != nil {
		return nil, nil, err
	}
	values, err = t.o.Values.values(c)
	return c, values, err
}

// upObjects are the objects that Up would apply, with the number of replicas of the last Scale.
func (t *Target) upObjects() ([]*unstructured.Unstructured, error) {
	c, values, err := t.chart()
	if err != nil {
		return nil, err
	}
	before, err := t.last()
	if err != nil {
		return nil, err
	}
	if err := t.keepScale(before, map[string]string{}, c, values); err != nil {
		return nil, err
	}
	return t.rendered(values)
}

// Plan implements [deploy.Planner].
func (t *Target) Plan(ctx context.Context, out io.Writer, what deploy.Action, argument string) error {
	switch what {
	case deploy.ActionSetup:
		return writeManifests(out, t.setupObjects())
	case deploy.ActionUp:
		return t.planUp(out)
	case deploy.ActionScale:
		return t.planScale(out, argument)
	case deploy.ActionRollback:
		return t.planRollback(out, argument)
	case deploy.ActionDown:
		return t.planDown(out)
	case deploy.ActionPurge:
		return t.planPurge(ctx, out)
	default:
		return t.planPatch(ctx, out, what)
	}
}

func (t *Target) planUp(out io.Writer) error {
	objects, err := t.upObjects()
	if err != nil {
		return err
	}
	return writeManifests(out, objects)
}

func (t *Target) planScale(out io.Writer, argument string) error {
	r, err := t.installed()
	if err != nil {
		return err
	}
	replicas, err := strconv.Atoi(argument)
	if err != nil {
		return err
	}
	values := copyValues(r)
	if err := setReplicas(r.Chart, values, replicas); err != nil {
		return err
	}
	upgrade := action.NewUpgrade(t.helm)
	upgrade.Namespace, upgrade.ResetValues, upgrade.DryRunStrategy = t.o.Namespace, true, action.DryRunClient
	planned, err := upgrade.Run(t.o.Release, r.Chart, values)
	if err != nil {
		return fmt.Errorf("rendering the chart: %w", err)
	}
	return t.writeRevision(out, planned)
}

func (t *Target) planRollback(out io.Writer, argument string) error {
	revision, _ := strconv.Atoi(argument) // none is the default one
	to, err := t.rollbackTarget(revision)
	if err != nil {
		return err
	}
	r, err := t.helm.Releases.Get(t.o.Release, to)
	if err != nil {
		return fmt.Errorf("reading revision %d: %w", to, err)
	}
	return t.writeRevision(out, r)
}

// planPatch writes the patch of the Deployment.
func (t *Target) planPatch(ctx context.Context, out io.Writer, what deploy.Action) error {
	d, err := t.deployment(ctx)
	if err != nil {
		return err
	}
	p := restartPatch()
	switch what {
	case deploy.ActionStop:
		p = replicasPatch(0, strconv.Itoa(rollout.StateOf(d).Total))
	case deploy.ActionStart:
		replicas, _ := strconv.Atoi(d.Annotations[annotationStopped])
		p = replicasPatch(replicas, nil)
	default:
	}
	object := map[string]any{"apiVersion": "apps/v1", "kind": "Deployment"}
	maps.Copy(object, p)
	metadata := table(object, "metadata")
	metadata["name"], metadata["namespace"] = d.Name, d.Namespace
	return writeManifests(out, []*unstructured.Unstructured{{Object: object}})
}

// setupObjects are what Setup creates, without the secret itself.
func (t *Target) setupObjects() (objects []*unstructured.Unstructured) {
	for _, o := range []runtime.Object{t.namespace(), t.secret(redacted)} {
		object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o)
		if err != nil {
			continue // both are valid
		}
		unstructured.RemoveNestedField(object, "status")
		unstructured.RemoveNestedField(object, "spec")
		objects = append(objects, &unstructured.Unstructured{Object: object})
	}
	return objects
}

func (t *Target) namespace() *corev1.Namespace {
	return &corev1.Namespace{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Namespace"},
		ObjectMeta: metav1.ObjectMeta{Name: t.o.Namespace, Labels: map[string]string{
			"pod-security.kubernetes.io/enforce": "restricted",
			labelManagedBy:                       patchOwner,
		}},
	}
}

func (t *Target) secret(value string) *corev1.Secret {
	return &corev1.Secret{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: t.o.Namespace, Name: SecretName, Labels: map[string]string{labelManagedBy: patchOwner},
		},
		StringData: map[string]string{SecretKey: value},
	}
}

// writeRevision writes the objects of a revision.
func (t *Target) writeRevision(out io.Writer, stored any) error {
	r, ok := stored.(*release.Release)
	if !ok {
		return fmt.Errorf("a newer Helm wrote release %q: use a newer integrationctl", t.o.Release)
	}
	objects, err := objectsOf(r)
	if err != nil {
		return err
	}
	return writeManifests(out, objects)
}
