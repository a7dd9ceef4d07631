package e2e

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
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

const (
	// pullSecrets is the management namespace from which the chart of these tests lets pull secrets be copied.
	pullSecrets = "pull-secrets"
	// pullCopy is the Secret into which they are copied.
	pullCopy = "workspace-pull-secret"
	// pulling is a namespace into which they are.
	pulling = "flyte-pulling"
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
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: pullSecrets}, Type: corev1.SecretTypeDockerConfigJson,
		Data: map[string][]byte{corev1.DockerConfigJsonKey: text},
	}
}

// copied waits until pulling has exactly this copy.
func copied(t *testing.T, want string) *corev1.Secret {
	t.Helper()
	var secret corev1.Secret
	eventually(t, "the copy to be "+want, func(ctx context.Context) bool {
		secret = corev1.Secret{}
		err := world.admin.Get(ctx, client.ObjectKey{Namespace: pulling, Name: pullCopy}, &secret)
		return err == nil && string(secret.Data[corev1.DockerConfigJsonKey]) == want && secret.Type == corev1.SecretTypeDockerConfigJson &&
			secret.Labels[v1alpha1.LabelManagedBy] == v1alpha1.ManagedBy
	})
	return &secret
}

// carried waits until the workload's account carries these pull secrets.
func carried(t *testing.T, want ...string) {
	t.Helper()
	eventually(t, fmt.Sprint("the account to carry ", want), func(ctx context.Context) bool {
		var account corev1.ServiceAccount
		if err := world.admin.Get(ctx, client.ObjectKey{Namespace: pulling, Name: "flyte-workload"}, &account); err != nil {
			return false
		}
		var names []string
		for _, reference := range account.ImagePullSecrets {
			names = append(names, reference.Name)
		}
		return slices.Equal(names, want)
	})
}

func write(t *testing.T, do func(context.Context, client.Object) error, o client.Object) {
	t.Helper()
	if err := do(t.Context(), o); err != nil {
		t.Fatal(err)
	}
}

func admitted(ctx context.Context, o client.Object) error  { return world.admin.Create(ctx, o) }
func overwrite(ctx context.Context, o client.Object) error { return world.admin.Update(ctx, o) }
func removed(ctx context.Context, o client.Object) error   { return world.admin.Delete(ctx, o) }

func TestPullSecretsAreCopied(t *testing.T) {
	first, second := pullSecret("first", map[string]string{"a": "1", "b": "1"}), pullSecret("second", map[string]string{"b": "2", "c": "2"})
	write(t, admitted, first)
	tier := live(t, &v1alpha1.WorkspaceTier{}, "", v1alpha1.DefaultTier)
	tier.ObjectMeta = metav1.ObjectMeta{Name: "pulling"}
	tier.Spec.Workload.ImagePullSecrets = []string{"first", "second"}
	write(t, admitted, tier)
	data := team("pulling", 1)
	data.Tier = "pulling"
	newMessage(t, workspace.EventCreated, data).sendOnNewTier(t)
	settled(t, "pulling", v1alpha1.ReasonPullSecretNotFound) // the second
	copied(t, `{"auths":{"a":{"auth":"1"},"b":{"auth":"1"}}}`)
	write(t, admitted, second)
	settled(t, "pulling", v1alpha1.ReasonReady)
	const both = `{"auths":{"a":{"auth":"1"},"b":{"auth":"1"},"c":{"auth":"2"}}}`
	have := copied(t, both)
	carried(t, pullCopy)

	t.Run("drift", func(t *testing.T) {
		have.Data[corev1.DockerConfigJsonKey] = []byte(`{"auths":{"evil":{}}}`)
		write(t, overwrite, have)
		have = copied(t, both)
		have.Labels = nil
		write(t, overwrite, have)
		have = copied(t, both)
		have.Data[corev1.DockerConfigJsonKey], have.Immutable = []byte(`{}`), new(true)
		write(t, overwrite, have)
		have = copied(t, both)
		write(t, removed, have)
		copied(t, both)
	})
	account := live(t, &corev1.ServiceAccount{}, pulling, "flyte-workload")
	account.ImagePullSecrets = []corev1.LocalObjectReference{{Name: "theirs"}}
	write(t, overwrite, account)
	carried(t, "theirs", pullCopy)

	changed := pullSecret("first", map[string]string{"a": "3"})
	changed.ResourceVersion = first.ResourceVersion
	write(t, overwrite, changed)
	copied(t, `{"auths":{"a":{"auth":"3"},"b":{"auth":"2"},"c":{"auth":"2"}}}`)
	write(t, removed, second)
	copied(t, `{"auths":{"a":{"auth":"3"}}}`)
	settled(t, "pulling", v1alpha1.ReasonPullSecretNotFound)

	tier = live(t, &v1alpha1.WorkspaceTier{}, "", "pulling")
	tier.Spec.Workload.ImagePullSecrets = nil
	write(t, overwrite, tier)
	settled(t, "pulling", v1alpha1.ReasonReady)
	carried(t, "theirs")
	eventually(t, "the copy to be gone", func(ctx context.Context) bool {
		err := world.admin.Get(ctx, client.ObjectKey{Namespace: pulling, Name: pullCopy}, &corev1.Secret{})
		return err != nil && client.IgnoreNotFound(err) == nil
	})
}

// The service reads the one namespace and its own copies, and no other Secret.
func TestPullSecretsNeedNoOtherSecret(t *testing.T) {
	for _, c := range []struct {
		verb, namespace, name string
		allowed               bool
	}{
		{"list", pullSecrets, "", true},
		{"watch", pullSecrets, "", true},
		{"update", pullSecrets, "first", false},
		{"delete", pullSecrets, "first", false},
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
			User: serviceUser,
			ResourceAttributes: &authorizationv1.ResourceAttributes{
				Verb: c.verb, Resource: "secrets", Namespace: c.namespace, Name: c.name,
			},
		}}
		write(t, admitted, review)
		if review.Status.Allowed != c.allowed {
			t.Errorf("%s secrets %q in %q: %v", c.verb, c.name, c.namespace, review.Status.Allowed)
		}
	}
}
