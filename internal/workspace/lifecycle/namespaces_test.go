package lifecycle

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

func TestController_NeverWritesForeignNamespace(t *testing.T) {
	t.Parallel()
	for _, state := range []v1alpha1.State{v1alpha1.StateActive, v1alpha1.StateSuspended, v1alpha1.StateDeleted} {
		t.Run(string(state), func(t *testing.T) {
			t.Parallel()
			env := newTestEnv(t, envOptions{})
			id := "taken-" + string(state[0]+'a'-'A')
			create(t, env.admin, foreignNamespace("flyte-"+id))
			before := env.namespace("flyte-" + id)
			w := env.workspace(id)
			w.Spec.State = state
			create(t, env.admin, w)
			if state == v1alpha1.StateDeleted {
				env.await(id, v1alpha1.ConditionReady, v1alpha1.ReasonDeleted)
			} else {
				env.await(id, v1alpha1.ConditionNamespaceReady, v1alpha1.ReasonConflict)
				env.await(id, v1alpha1.ConditionReady, v1alpha1.ReasonConflict)
			}
			env.reconcile(id)
			env.wantUnchanged(before)
			if projects := env.flyte.Projects(); len(projects) > 0 {
				t.Errorf("Flyte has the projects %v", projects)
			}
		})
	}
}

func TestController_ProvisionsWhenForeignNamespaceIsGone(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{})
	create(t, env.admin, foreignNamespace("flyte-freed"))
	create(t, env.admin, env.workspace("freed"))
	env.await("freed", v1alpha1.ConditionReady, v1alpha1.ReasonConflict)
	env.deleteNamespace("flyte-freed")
	env.reconcile("freed")
	env.await("freed", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	if diff := cmp.Diff(childrenOfActive, env.childNames("flyte-freed")); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
}

func TestController_ReleasesUnlabelledNamespace(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{})
	env.provisioned("disowned")
	env.applyDrift("flyte-disowned", drift{object: "Namespace", change: dropLabel(v1alpha1.LabelWorkspace)})
	w := env.await("disowned", v1alpha1.ConditionNamespaceReady, v1alpha1.ReasonConflict)
	if len(w.Status.Namespaces) > 0 {
		t.Errorf("the status still has the namespaces %v", w.Status.Namespaces)
	}
	namespace, versions := env.namespace("flyte-disowned"), env.resourceVersions("flyte-disowned")
	env.applyDrift("flyte-disowned", drift{object: "ConfigMap/workspace-config", change: remove("data")})
	env.setState("disowned", v1alpha1.StateSuspended)
	env.await("disowned", v1alpha1.ConditionReady, v1alpha1.ReasonConflict)
	if diff := cmp.Diff(namespace, env.namespace("flyte-disowned")); diff != "" {
		t.Errorf("the namespace was touched (-before +after):\n%s", diff)
	}
	after := env.resourceVersions("flyte-disowned")
	delete(versions, "ConfigMap/workspace-config")
	delete(after, "ConfigMap/workspace-config")
	if diff := cmp.Diff(versions, after); diff != "" {
		t.Errorf("objects in it were touched (-before +after):\n%s", diff)
	}

	// With the label, the Namespace's event causes a Reconcile.
	env.applyDrift("flyte-disowned", drift{object: "Namespace", change: setLabel(v1alpha1.LabelWorkspace, "disowned")})
	env.await("disowned", v1alpha1.ConditionReady, v1alpha1.ReasonSuspended)
}

func TestController_RecreatesDeletedNamespace(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{})
	env.provisioned("gone")
	unblock := env.blockDeletion("flyte-gone")
	before := env.namespace("flyte-gone")
	must(t, env.admin.Delete(t.Context(), before.DeepCopy()))
	env.await("gone", v1alpha1.ConditionNamespaceReady, v1alpha1.ReasonNamespaceTerminating)
	env.await("gone", v1alpha1.ConditionReady, v1alpha1.ReasonNamespaceTerminating)

	unblock()
	eventually(t, func(ctx context.Context) error {
		var now corev1.Namespace
		if err := env.admin.Get(ctx, client.ObjectKeyFromObject(before), &now); err != nil {
			return err
		}
		if now.UID == before.UID {
			return fmt.Errorf("the Namespace has not been recreated: %v", now.Status)
		}
		return nil
	})
	env.await("gone", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	if diff := cmp.Diff(childrenOfActive, env.childNames("flyte-gone")); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
}

// The tier's labels and annotations on Namespace and ServiceAccount are repaired and pruned. Foreign ones stay.
func TestController_AppliesAndPrunesTierMetadata(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{})
	env.provisionedOnTier("extras", func(spec *v1alpha1.WorkspaceTierSpec) {
		spec.Namespace = v1alpha1.TierNamespace{
			Labels: map[string]v1alpha1.LabelValue{"company.com/tier": "rich"}, WorkspaceLabels: []string{"cost-center"},
			Annotations: v1alpha1.Annotations{"company.com/id": "{workspace}/{namespace}"},
		}
		spec.ServiceAccount.Annotations = v1alpha1.Annotations{"eks.amazonaws.com/role-arn": "role/{workspace}"}
	})
	want := map[string]string{
		"company.com/tier": "rich", "cost-center": "42", "company.com/id": "extras/flyte-extras",
		"eks.amazonaws.com/role-arn": "role/extras",
	}
	env.awaitTierMetadata("extras", want)
	namespace, account := env.namespace("flyte-extras"), env.workloadAccount("extras")
	namespace.Labels["company.com/tier"], namespace.Labels["company.com/foreign"] = "other", "stays"
	delete(namespace.Annotations, "company.com/id")
	account.Annotations = map[string]string{"company.com/foreign-annotation": "stays"}
	must(t, env.admin.Update(t.Context(), namespace))
	must(t, env.admin.Update(t.Context(), account))
	want["company.com/foreign"], want["company.com/foreign-annotation"] = "stays", "stays"
	env.awaitTierMetadata("extras", want)

	env.changeTier("extras-tier", func(spec *v1alpha1.WorkspaceTierSpec) {
		spec.Namespace, spec.ServiceAccount = v1alpha1.TierNamespace{}, v1alpha1.TierServiceAccount{}
	})
	env.awaitTierMetadata("extras", map[string]string{"company.com/foreign": "stays", "company.com/foreign-annotation": "stays"})
	env.await("extras", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	writes := env.requests.total()
	env.reconcile("extras")
	if n := env.requests.total() - writes; n != 0 {
		t.Errorf("%d writes at rest: %v", n, env.requests.writes())
	}
}

// awaitTierMetadata waits until Namespace and ServiceAccount have exactly these labels and annotations, without the service's.
func (env *testEnv) awaitTierMetadata(id string, want map[string]string) {
	env.t.Helper()
	eventually(env.t, func(context.Context) error {
		namespace, account := env.namespace("flyte-"+id), env.workloadAccount(id)
		got := map[string]string{}
		for _, all := range []map[string]string{namespace.Labels, namespace.Annotations, account.Annotations} {
			for key, value := range all {
				if key == "cost-center" || len(key) > 12 && key[:12] == "company.com/" || key == "eks.amazonaws.com/role-arn" {
					got[key] = value
				}
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			return fmt.Errorf("tier metadata (-want +got):\n%s", diff)
		}
		return nil
	})
}

func TestNamespacesThatWouldChange(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{template: "{prefix}{project}-{domain}"})
	env.provisioned("named")
	w := env.workspace("bare") // not provisioned
	w.Spec.DisplayName = ""
	create(t, env.admin, w)
	env.await("bare", v1alpha1.ConditionReady, v1alpha1.ReasonAwaitingContent)
	for name, test := range map[string]struct {
		template string
		domains  []string
		want     []string
	}{
		"the same":       {"{prefix}{project}-{domain}", []string{"staging", "development", "production"}, nil},
		"another domain": {"{prefix}{project}-{domain}", []string{"development", "staging", "production", "canary"}, nil},
		"a removed domain": {"{prefix}{project}-{domain}", []string{"development", "staging"}, []string{
			"workspace named has the namespace flyte-named-production, and would get flyte-named-development, flyte-named-staging",
		}},
		"another template": {"{prefix}{project}", []string{"development"}, []string{
			"workspace named has the namespace flyte-named-development, and would get flyte-named",
			"workspace named has the namespace flyte-named-production, and would get flyte-named",
			"workspace named has the namespace flyte-named-staging, and would get flyte-named",
		}},
	} {
		naming, err := workspace.NewNaming(test.template, "flyte-", test.domains, nil)
		must(t, err)
		got, err := NamespacesThatWouldChange(t.Context(), env.mgr.GetCache(), naming)
		must(t, err)
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
