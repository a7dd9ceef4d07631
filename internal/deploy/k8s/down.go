package k8s

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"helm.sh/helm/v4/pkg/action"
	"helm.sh/helm/v4/pkg/kube"
	"helm.sh/helm/v4/pkg/storage/driver"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/internal/crd"
	"platform.company.com/workspace-flyte-integration/internal/deploy"
	"platform.company.com/workspace-flyte-integration/internal/deploy/progress"
)

// keptOnRemoval says whether Helm keeps an object when the release is uninstalled, or no longer has it.
func keptOnRemoval(o *unstructured.Unstructured) bool {
	return o.GetAnnotations()[kube.ResourcePolicyAnno] == kube.KeepPolicy
}

// historyPolicy is what becomes of the history of a release that is uninstalled.
type historyPolicy bool

const (
	keepHistory   historyPolicy = true
	deleteHistory historyPolicy = false
)

func (t *Target) uninstall(description string, policy historyPolicy) error {
	uninstall := action.NewUninstall(t.helm)
	uninstall.KeepHistory, uninstall.DisableHooks, uninstall.Description = bool(policy), true, description
	uninstall.WaitStrategy, uninstall.Timeout = kube.HookOnlyStrategy, t.o.Timeout
	if _, err := uninstall.Run(t.o.Release); err != nil && !errors.Is(err, driver.ErrReleaseNotFound) {
		return fmt.Errorf("uninstalling release %q: %w", t.o.Release, err)
	}
	return nil
}

// Down implements [deploy.Target]. The namespaces of workspaces stay in any case: nothing but state: Deleted destroys them.
func (t *Target) Down(ctx context.Context, steps *progress.Steps, what deploy.Removal) error {
	var kept []*unstructured.Unstructured
	err := t.exclusive(ctx, steps, func(ctx context.Context) error {
		r, err := t.last()
		if err != nil {
			return err
		}
		objects, err := objectsOf(r)
		if err != nil {
			return err
		}
		for _, o := range objects {
			if keptOnRemoval(o) {
				kept = append(kept, o)
			}
		}
		return steps.Run(ctx, "uninstall", func(ctx context.Context, step *progress.Step) error {
			if r == nil {
				step.Skip("release %q is not installed", t.o.Release)
				return nil
			}
			step.Summarize("%d objects that guard workspaces stay, as do Workspaces and their namespaces", len(kept))
			if err := t.uninstall("", deleteHistory); err != nil {
				return err
			}
			return t.awaitNoPods(ctx, r.Name)
		})
	})
	if err != nil || what != deploy.RemoveEverything {
		return err
	}
	return t.purge(ctx, steps, kept)
}

// awaitNoPods waits until the pods of the release have stopped.
func (t *Target) awaitNoPods(ctx context.Context, release string) error {
	return wait.PollUntilContextTimeout(ctx, rollOutCheck, t.o.Timeout, true, func(ctx context.Context) (bool, error) {
		var pods corev1.PodList
		err := t.client.List(ctx, &pods, client.InNamespace(t.o.Namespace), client.MatchingLabels{"app.kubernetes.io/instance": release})
		return err == nil && len(pods.Items) == 0, err
	})
}

// purge deletes what Down keeps: what guards workspaces, all Workspaces and tiers with their CRDs, the webhook secret, and the
// namespace if Setup has created it.
func (t *Target) purge(ctx context.Context, steps *progress.Steps, kept []*unstructured.Unstructured) error {
	return steps.Run(ctx, "purge", func(ctx context.Context, step *progress.Step) error {
		crds, err := crd.Embedded()
		if err != nil {
			return err
		}
		all := slices.Concat(kept, crds)
		for _, o := range all {
			err := t.client.Delete(ctx, o, client.PropagationPolicy(metav1.DeletePropagationBackground))
			if client.IgnoreNotFound(err) != nil && !meta.IsNoMatchError(err) {
				return fmt.Errorf("deleting %s %q: %w", o.GetKind(), o.GetName(), err)
			}
		}
		if err := client.IgnoreNotFound(t.client.Delete(ctx, t.secret(""))); err != nil {
			return fmt.Errorf("deleting Secret %q: %w", SecretName, err)
		}
		step.Summarize("deleted %d objects; the namespaces of workspaces stay", len(all)+1)
		return t.deleteNamespace(ctx)
	})
}

// deleteNamespace deletes the namespace only if Setup has created it, and its lock otherwise.
func (t *Target) deleteNamespace(ctx context.Context) error {
	namespace := &corev1.Namespace{}
	if err := t.client.Get(ctx, client.ObjectKey{Name: t.o.Namespace}, namespace); err != nil {
		return client.IgnoreNotFound(err)
	}
	if namespace.Labels[labelManagedBy] != patchOwner {
		return nil
	}
	if err := client.IgnoreNotFound(t.client.Delete(ctx, namespace)); err != nil {
		return fmt.Errorf("deleting namespace %q: %w", t.o.Namespace, err)
	}
	return nil
}
