package k8s

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"helm.sh/helm/v4/pkg/action"
	"helm.sh/helm/v4/pkg/kube"
	release "helm.sh/helm/v4/pkg/release/v1"
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
		kept = slices.DeleteFunc(objects, func(o *unstructured.Unstructured) bool { return !keptOnRemoval(o) })
		return steps.Run(ctx, "uninstall", func(ctx context.Context, step *progress.Step) error {
			step.Summarize("%d objects that guard workspaces stay, as do Workspaces and their namespaces", len(kept))
			return t.uninstallLast(ctx, step, r)
		})
	})
	if err != nil || what != deploy.RemoveEverything {
		return err
	}
	return t.purge(ctx, steps, kept)
}

// uninstallLast uninstalls the newest revision, if there is one, and waits until its pods have stopped.
func (t *Target) uninstallLast(ctx context.Context, step *progress.Step, r *release.Release) error {
	if r == nil {
		step.Skip("release %q is not installed", t.o.Release)
		return nil
	}
	if err := t.uninstall("", deleteHistory); err != nil {
		return err
	}
	return t.awaitNoPods(ctx, r.Name)
}

// awaitNoPods waits until the pods of the release have stopped.
func (t *Target) awaitNoPods(ctx context.Context, instance string) error {
	var pods corev1.PodList
	err := wait.PollUntilContextTimeout(ctx, rollOutCheck, t.o.Timeout, true, func(ctx context.Context) (bool, error) {
		err := t.client.List(ctx, &pods, client.InNamespace(t.o.Namespace), client.MatchingLabels{"app.kubernetes.io/instance": instance})
		return err == nil && len(pods.Items) == 0, err
	})
	if wait.Interrupted(err) && ctx.Err() == nil && len(pods.Items) > 0 {
		return fmt.Errorf("the release is uninstalled, and pod %q still runs after %s: `kubectl -n %s describe pod %s` says why",
			pods.Items[0].Name, t.o.Timeout, t.o.Namespace, pods.Items[0].Name)
	}
	return err
}

// purge deletes what Down keeps: what guards workspaces, all Workspaces and tiers with their CRDs, the webhook secret, and the
// namespace if Setup has created it.
func (t *Target) purge(ctx context.Context, steps *progress.Steps, kept []*unstructured.Unstructured) error {
	return steps.Run(ctx, "purge", func(ctx context.Context, step *progress.Step) error {
		all, err := purged(kept)
		if err != nil {
			return err
		}
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

// purged are the objects that purge deletes besides the webhook secret and the namespace.
func purged(kept []*unstructured.Unstructured) ([]*unstructured.Unstructured, error) {
	crds, err := crd.Embedded()
	return slices.Concat(kept, crds), err
}

// deleteNamespace deletes the namespace only if Setup has created it.
func (t *Target) deleteNamespace(ctx context.Context) error {
	ours, err := t.ownsNamespace(ctx)
	if err != nil || !ours {
		return err
	}
	if err := client.IgnoreNotFound(t.client.Delete(ctx, t.namespace())); err != nil {
		return fmt.Errorf("deleting namespace %q: %w", t.o.Namespace, err)
	}
	return nil
}

// ownsNamespace says whether the namespace exists and Setup has created it.
func (t *Target) ownsNamespace(ctx context.Context) (bool, error) {
	namespace := &corev1.Namespace{}
	err := t.client.Get(ctx, client.ObjectKey{Name: t.o.Namespace}, namespace)
	return err == nil && namespace.Labels[labelManagedBy] == patchOwner, client.IgnoreNotFound(err)
}

// planDown writes the objects that Down deletes.
func (t *Target) planDown(out io.Writer) error {
	r, err := t.installed()
	if err != nil {
		return err
	}
	objects, err := objectsOf(r)
	if err != nil {
		return err
	}
	return writeManifests(out, slices.DeleteFunc(objects, keptOnRemoval))
}

// planPurge writes the objects that Down deletes when it removes everything. Nothing has to be installed for that.
func (t *Target) planPurge(ctx context.Context, out io.Writer) error {
	objects, err := t.lastObjects()
	if err != nil {
		return err
	}
	if objects, err = purged(objects); err != nil {
		return err
	}
	ours, err := t.ownsNamespace(ctx)
	if err != nil {
		return fmt.Errorf("reading namespace %q: %w", t.o.Namespace, err)
	}
	own := t.setupObjects() // the namespace and the secret
	if !ours {
		own = own[1:]
	}
	return writeManifests(out, append(objects, own...))
}
