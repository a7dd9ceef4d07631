package life

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
)

const (
	// pullCopy is the Secret into which pull secrets are copied, and pulling a namespace with such a copy.
	pullCopy = "workspace-pull-secret"
	pulling  = "flyte-pulling"
)

// pullSecret is a Secret as `kubectl create secret docker-registry` makes it.
func pullSecret(name string, auths map[string]string) *corev1.Secret {
	config := map[string]map[string]map[string]string{"auths": {}}
	for registry, auth := range auths {
		config["auths"][registry] = map[string]string{"auth": auth}
	}
	text, err := json.Marshal(config)
	if err != nil {
		panic(err)
	}
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: harness.PullSecrets}, Type: corev1.SecretTypeDockerConfigJson,
		Data: map[string][]byte{corev1.DockerConfigJsonKey: text},
	}
}

// awaitCopy waits until the namespace has exactly this copy.
func awaitCopy(t *testing.T, want string) *corev1.Secret {
	t.Helper()
	env := shared.Env()
	var secret corev1.Secret
	harness.Eventually(t, "the copy to be "+want, func(ctx context.Context) bool {
		secret = corev1.Secret{}
		err := env.Admin.Get(ctx, client.ObjectKey{Namespace: pulling, Name: pullCopy}, &secret)
		return err == nil && string(secret.Data[corev1.DockerConfigJsonKey]) == want && secret.Type == corev1.SecretTypeDockerConfigJson &&
			secret.Labels[v1alpha1.LabelManagedBy] == v1alpha1.ManagedBy
	})
	return &secret
}

// awaitReferences waits until the workload's account references these pull secrets.
func awaitReferences(t *testing.T, want ...string) {
	t.Helper()
	env := shared.Env()
	harness.Eventually(t, fmt.Sprint("the account to reference ", want), func(ctx context.Context) bool {
		var account corev1.ServiceAccount
		if err := env.Admin.Get(ctx, client.ObjectKey{Namespace: pulling, Name: "flyte-workload"}, &account); err != nil {
			return false
		}
		var names []string
		for _, reference := range account.ImagePullSecrets {
			names = append(names, reference.Name)
		}
		return slices.Equal(names, want)
	})
}

func TestPullSecretsAreCopied(t *testing.T) { //nolint:tparallel // one story
	t.Parallel()
	env := shared.Env()
	first, second := pullSecret("first", map[string]string{"a": "1", "b": "1"}), pullSecret("second", map[string]string{"b": "2", "c": "2"})
	harness.Must(t, env.Admin.Create(t.Context(), first))
	env.Tier(t, "pulling", func(spec *v1alpha1.WorkspaceTierSpec) { spec.Workload.ImagePullSecrets = []string{"first", "second"} })
	env.DeliverOnTier(t, harness.Data("pulling", 1), "pulling")
	env.AwaitReason(t, "pulling", v1alpha1.ReasonPullSecretNotFound) // the second
	awaitCopy(t, `{"auths":{"a":{"auth":"1"},"b":{"auth":"1"}}}`)
	harness.Must(t, env.Admin.Create(t.Context(), second))
	env.AwaitReason(t, "pulling", v1alpha1.ReasonReady)
	const both = `{"auths":{"a":{"auth":"1"},"b":{"auth":"1"},"c":{"auth":"2"}}}`
	have := awaitCopy(t, both)
	awaitReferences(t, pullCopy)

	t.Run("drift", func(t *testing.T) {
		have.Data[corev1.DockerConfigJsonKey] = []byte(`{"auths":{"evil":{}}}`)
		harness.Must(t, env.Admin.Update(t.Context(), have))
		have = awaitCopy(t, both)
		have.Labels = nil
		harness.Must(t, env.Admin.Update(t.Context(), have))
		have = awaitCopy(t, both)
		have.Data[corev1.DockerConfigJsonKey], have.Immutable = []byte(`{}`), new(true)
		harness.Must(t, env.Admin.Update(t.Context(), have))
		have = awaitCopy(t, both)
		harness.Must(t, env.Admin.Delete(t.Context(), have))
		awaitCopy(t, both)
	})
	account := harness.Get(t, env, &corev1.ServiceAccount{}, pulling, "flyte-workload")
	account.ImagePullSecrets = []corev1.LocalObjectReference{{Name: "theirs"}}
	harness.Must(t, env.Admin.Update(t.Context(), account))
	awaitReferences(t, "theirs", pullCopy)

	changed := pullSecret("first", map[string]string{"a": "3"})
	changed.ResourceVersion = first.ResourceVersion
	harness.Must(t, env.Admin.Update(t.Context(), changed))
	awaitCopy(t, `{"auths":{"a":{"auth":"3"},"b":{"auth":"2"},"c":{"auth":"2"}}}`)
	harness.Must(t, env.Admin.Delete(t.Context(), second))
	awaitCopy(t, `{"auths":{"a":{"auth":"3"}}}`)
	env.AwaitReason(t, "pulling", v1alpha1.ReasonPullSecretNotFound)

	env.ChangeTier(t, "pulling", func(spec *v1alpha1.WorkspaceTierSpec) { spec.Workload.ImagePullSecrets = nil })
	env.AwaitReason(t, "pulling", v1alpha1.ReasonReady)
	awaitReferences(t, "theirs")
	harness.Eventually(t, "the copy to be gone", func(ctx context.Context) bool {
		err := env.Admin.Get(ctx, client.ObjectKey{Namespace: pulling, Name: pullCopy}, &corev1.Secret{})
		return err != nil && client.IgnoreNotFound(err) == nil
	})
}

// The service may read that namespace and its own copies, and no other Secret.
func TestPullSecretsNeedNoOtherSecret(t *testing.T) {
	t.Parallel()
	env := shared.Env()
	for _, c := range []struct {
		verb, namespace, name string
		allowed               bool
	}{
		{"list", harness.PullSecrets, "", true},
		{"watch", harness.PullSecrets, "", true},
		{"update", harness.PullSecrets, "first", false},
		{"delete", harness.PullSecrets, "first", false},
		{"get", "flyte-any", pullCopy, true},
		{"watch", "", pullCopy, true},
		{"patch", "flyte-any", pullCopy, true},
		{"get", "flyte-any", "another", false},
		{"list", "", "", false},
		{"watch", "kube-system", "", false},
		{"patch", "kube-system", "another", false},
		{"delete", "flyte-any", "another", false},
		{"deletecollection", "flyte-any", "", false},
	} {
		review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
			User: harness.ServiceUser,
			ResourceAttributes: &authorizationv1.ResourceAttributes{
				Verb: c.verb, Resource: "secrets", Namespace: c.namespace, Name: c.name,
			},
		}}
		harness.Must(t, env.Admin.Create(t.Context(), review))
		if review.Status.Allowed != c.allowed {
			t.Errorf("%s secrets %q in %q: %v", c.verb, c.name, c.namespace, review.Status.Allowed)
		}
	}
}
