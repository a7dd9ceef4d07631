package desired_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/yaml"

	"platform.company.com/workspace-flyte-integration/internal/workspace/desired"
	"platform.company.com/workspace-flyte-integration/internal/workspace/desired/desiredtest"
)

var update = flag.Bool("update", false, "write the golden files")

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestPlan_MatchesGoldenFiles(t *testing.T) {
	for name, change := range desiredtest.Variants() {
		t.Run(name, func(t *testing.T) {
			p := desiredtest.Plan("flyte-ws-001")
			change(p)
			got := manifests(t, desiredtest.Objects(p))
			golden := filepath.Join("testdata", name+".yaml")
			if *update {
				must(t, os.WriteFile(golden, got, 0o600))
			}
			want, err := os.ReadFile(golden)
			must(t, err)
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A GitOps tool deletes an object with its tracking label or annotation that is not in its repository. Only the Workspace is.
func TestPlan_TakesNoMetadataOfTheWorkspace(t *testing.T) {
	p := desiredtest.Plan("flyte-ws-001")
	flyte := desired.Flyte{Domains: []string{"production"}}
	before, project := manifests(t, desiredtest.Objects(p)), flyte.Project(p.Workspace, p.Tier)
	tracking := map[string]string{
		"app.kubernetes.io/instance": "git", "argocd.argoproj.io/instance": "git", "argocd.argoproj.io/tracking-id": "git:x:y/z",
		"kustomize.toolkit.fluxcd.io/name": "git", "helm.toolkit.fluxcd.io/name": "git",
	}
	p.Workspace.Labels, p.Workspace.Annotations = tracking, tracking
	if diff := cmp.Diff(string(before), string(manifests(t, desiredtest.Objects(p)))); diff != "" {
		t.Errorf("objects (-before +after):\n%s", diff)
	}
	if diff := cmp.Diff(project, flyte.Project(p.Workspace, p.Tier)); diff != "" {
		t.Errorf("the project (-before +after):\n%s", diff)
	}
}

// manifests are the objects as YAML.
func manifests(t testing.TB, objects []client.Object) []byte {
	t.Helper()
	var b bytes.Buffer
	for _, o := range objects {
		o = o.DeepCopyObject().(client.Object)
		gvk, err := apiutil.GVKForObject(o, scheme.Scheme)
		must(t, err)
		o.GetObjectKind().SetGroupVersionKind(gvk)
		text, err := yaml.Marshal(o)
		must(t, err)
		b.WriteString("---\n")
		b.Write(text)
	}
	return b.Bytes()
}

func TestPlan_Clamped(t *testing.T) {
	p := desiredtest.Plan("flyte-ws-001")
	desiredtest.Variants()["clamped"](p)
	if diff := cmp.Diff([]string{"cpu", "memory"}, p.Clamped()); diff != "" {
		t.Error(diff)
	}
}
