package k8s

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/internal/deploy/progress"
)

const labelManagedBy = "app.kubernetes.io/managed-by"

// Setup implements [deploy.Target]: it checks the cluster, and creates the namespace and the webhook secret where they are missing.
func (t *Target) Setup(ctx context.Context, steps *progress.Steps) error {
	steps.Mask(t.o.Secret)
	return steps.RunAll(ctx,
		progress.Task{Name: "preflight", Do: t.preflightSetup},
		progress.Task{Name: "create_namespace", Do: t.createNamespace},
		progress.Task{Name: "create_secret", Do: t.createSecret},
	)
}

func (t *Target) createNamespace(ctx context.Context, step *progress.Step) error {
	if err := t.awaitTermination(ctx, step); err != nil {
		return err
	}
	err := t.client.Create(ctx, t.namespace(), client.FieldOwner(patchOwner))
	switch {
	case apierrors.IsAlreadyExists(err):
		step.Skip("namespace %q exists", t.o.Namespace)
		return nil
	case err != nil:
		return fmt.Errorf("creating namespace %q: %w", t.o.Namespace, err)
	}
	step.Summarize("created namespace %q", t.o.Namespace)
	return nil
}

// awaitTermination waits until a namespace that is being deleted is gone: nothing can be created in it.
func (t *Target) awaitTermination(ctx context.Context, step *progress.Step) error {
	err := wait.PollUntilContextTimeout(ctx, rollOutCheck, t.o.Timeout, true, func(ctx context.Context) (bool, error) {
		namespace := &corev1.Namespace{}
		err := t.client.Get(ctx, client.ObjectKey{Name: t.o.Namespace}, namespace)
		if err != nil || namespace.DeletionTimestamp == nil {
			return true, client.IgnoreNotFound(err)
		}
		step.Progress(0, 0, fmt.Sprintf("namespace %q is being deleted", t.o.Namespace))
		return false, nil
	})
	if err != nil {
		return fmt.Errorf("waiting until the earlier namespace %q is gone: %w", t.o.Namespace, err)
	}
	return nil
}

// createSecret never replaces a secret: that would refuse what senders sign.
func (t *Target) createSecret(ctx context.Context, step *progress.Step) error {
	show := fmt.Sprintf("kubectl -n %s get secret %s -o jsonpath='{.data.%s}' | base64 -d", t.o.Namespace, SecretName, SecretKey)
	existing := &corev1.Secret{}
	err := t.client.Get(ctx, client.ObjectKey{Namespace: t.o.Namespace, Name: SecretName}, existing)
	switch {
	case apierrors.IsNotFound(err):
		step.Summarize("created Secret %q with a new webhook secret: %s", SecretName, show)
		if err := t.client.Create(ctx, t.secret(t.o.Secret), client.FieldOwner(patchOwner)); err != nil {
			return fmt.Errorf("creating Secret %q: %w", SecretName, err)
		}
		return nil
	case err != nil:
		return fmt.Errorf("reading Secret %q: %w", SecretName, err)
	case !t.o.Rotate:
		step.Skip("Secret %q exists; --rotate adds a new webhook secret to it", SecretName)
		return nil
	}
	return t.rotateSecret(ctx, step, existing)
}

// rotateSecret puts the new secret before the newest old one: both are accepted until the next rotation.
func (t *Target) rotateSecret(ctx context.Context, step *progress.Step, existing *corev1.Secret) error {
	kept := []string{t.o.Secret}
	if old := strings.Fields(string(existing.Data[SecretKey])); len(old) > 0 {
		kept = append(kept, old[0])
	}
	if existing.Data == nil {
		existing.Data = map[string][]byte{}
	}
	existing.Data[SecretKey] = []byte(strings.Join(kept, "\n"))
	if err := t.client.Update(ctx, existing, client.FieldOwner(patchOwner)); err != nil {
		return fmt.Errorf("updating Secret %q: %w", SecretName, err)
	}
	step.Summarize("Secret %q holds the new webhook secret and the newest old one; the service reads them without a restart", SecretName)
	return nil
}
