package k8s

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	chart "helm.sh/helm/v4/pkg/chart/v2"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
	"platform.company.com/workspace-flyte-integration/internal/deploy/progress"
)

// problems collects what is missing, so that all of it is reported together.
type problems []string

func (p *problems) add(format string, args ...any) { *p = append(*p, fmt.Sprintf(format, args...)) }

func (p *problems) err() error {
	if len(*p) == 0 {
		return nil
	}
	return deploy.Failf(deploy.PreflightFailed, "%s", strings.Join(*p, "\n  "))
}

// preflightSetup checks what Setup and Up need of any cluster.
func (t *Target) preflightSetup(ctx context.Context, step *progress.Step) error {
	if t.o.Preflight != nil {
		if err := t.o.Preflight(ctx); err != nil {
			return err
		}
	}
	c, err := deploy.Chart()
	if err != nil {
		return err
	}
	var found problems
	if err := t.checkVersion(step, c, &found); err != nil {
		return err
	}
	if err := t.checkRights(ctx, &found); err != nil {
		return err
	}
	return found.err()
}

// preflight checks what Up needs with these values, before it changes anything.
func (t *Target) preflight(ctx context.Context, step *progress.Step, c *chart.Chart, values map[string]any) error {
	var found problems
	if err := t.checkVersion(step, c, &found); err != nil {
		return err
	}
	objects, err := t.rendered(values)
	if err != nil {
		return err
	}
	if err := t.checkKinds(objects, &found); err != nil {
		return err
	}
	for _, check := range []func(context.Context, map[string]any, *problems) error{t.checkSecret, t.checkIngressClass} {
		if err := check(ctx, values, &found); err != nil {
			return err
		}
	}
	return found.err()
}

func (t *Target) checkVersion(step *progress.Step, c *chart.Chart, found *problems) error {
	discovery, err := t.o.Cluster.ToDiscoveryClient()
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	version, err := discovery.ServerVersion()
	if err != nil {
		return fmt.Errorf("reading the version of the cluster: %w", err)
	}
	step.Summarize("Kubernetes %s", version.GitVersion)
	if !chartutil.IsCompatibleRange(c.Metadata.KubeVersion, version.GitVersion) {
		found.add("the chart needs Kubernetes %s, and the cluster has %s: upgrade the cluster, or use an integrationctl that supports it",
			c.Metadata.KubeVersion, version.GitVersion)
	}
	return nil
}

// neededRights are those to install the chart, beside the rights that its roles grant.
var neededRights = []authorizationv1.ResourceAttributes{
	{Verb: "create", Resource: "namespaces"},
	{Verb: "create", Group: "apiextensions.k8s.io", Resource: "customresourcedefinitions"},
	{Verb: "create", Group: "rbac.authorization.k8s.io", Resource: "clusterroles"},
	{Verb: "create", Group: "rbac.authorization.k8s.io", Resource: "clusterrolebindings"},
	{Verb: "create", Group: "admissionregistration.k8s.io", Resource: "validatingadmissionpolicies"},
	{Verb: "create", Group: "platform.company.com", Resource: "workspacetiers"},
	{Verb: "create", Group: "apps", Resource: "deployments"},
	{Verb: "create", Resource: "secrets"},
}

func (t *Target) checkRights(ctx context.Context, found *problems) error {
	for _, right := range neededRights {
		if right.Group == "apps" || right.Resource == "secrets" {
			right.Namespace = t.o.Namespace
		}
		review := authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &right}}
		if err := t.client.Create(ctx, &review); err != nil {
			return fmt.Errorf("reading your rights: %w", err)
		}
		if !review.Status.Allowed {
			found.add("you may not %s %s: act as an administrator, with --context or --as", right.Verb, right.Resource)
		}
	}
	return nil
}

// checkKinds names the kinds that the cluster lacks, except those of the chart's own CRDs.
func (t *Target) checkKinds(objects []*unstructured.Unstructured, found *problems) error {
	mapper, err := t.o.Cluster.ToRESTMapper()
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	var missing []string
	for _, o := range objects {
		kind := o.GroupVersionKind()
		if kind.Group == "platform.company.com" {
			continue
		}
		_, err := mapper.RESTMapping(kind.GroupKind(), kind.Version)
		name := kind.GroupVersion().String() + " " + kind.Kind
		switch {
		case meta.IsNoMatchError(err) && !slices.Contains(missing, name):
			missing = append(missing, name)
			found.add("the cluster has no %s: install what serves it, or change the values that ask for it", name)
		case err != nil && !meta.IsNoMatchError(err):
			return fmt.Errorf("reading the kinds of the cluster: %w", err)
		}
	}
	return nil
}

// checkSecret finds a missing webhook secret now, since pods would wait for it.
func (t *Target) checkSecret(ctx context.Context, values map[string]any, found *problems) error {
	name, _, _ := unstructured.NestedString(values, "webhook", "existingSecret")
	if name == "" || values["install"] == "target" {
		return nil
	}
	key, _, _ := unstructured.NestedString(values, "webhook", "existingSecretKey")
	key = cmp.Or(key, SecretKey)
	secret := &corev1.Secret{}
	err := t.client.Get(ctx, client.ObjectKey{Namespace: t.o.Namespace, Name: name}, secret)
	switch {
	case apierrors.IsNotFound(err):
		found.add("Secret %q with the webhook secret does not exist in namespace %q: `%s` makes it", name, t.o.Namespace, t.command("setup"))
	case apierrors.IsForbidden(err): // a user who may install the chart may lack the right to read it
	case err != nil:
		return fmt.Errorf("reading Secret %q: %w", name, err)
	case len(secret.Data[key]) == 0:
		found.add("Secret %q has no key %q: add it, or name another one with --set webhook.existingSecretKey", name, key)
	}
	return nil
}

func (t *Target) checkIngressClass(ctx context.Context, values map[string]any, found *problems) error {
	class, _, _ := unstructured.NestedString(values, "exposure", "ingress", "className")
	if class == "" {
		return nil
	}
	err := t.client.Get(ctx, client.ObjectKey{Name: class}, &networkingv1.IngressClass{})
	switch {
	case apierrors.IsNotFound(err):
		found.add("the cluster has no IngressClass %q: install its controller, or choose another one with --ingress-class", class)
	case err != nil && !apierrors.IsForbidden(err):
		return fmt.Errorf("reading IngressClass %q: %w", class, err)
	}
	return nil
}
