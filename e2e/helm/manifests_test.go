package helm

import (
	"bytes"
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/kustomize/api/krusty"
	kustomize "sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"

	"platform.company.com/workspace-flyte-integration/e2e/harness"
)

// rendered is a way to install the chart without a release of Helm: as manifests that a tool applies by server-side apply.
type rendered struct {
	name    string
	manager string // the field manager that the tool applies with
	// tracking is the annotation by which the tool knows its objects.
	tracking string
}

func (s *suite) manifests() []rendered {
	return []rendered{
		{name: "kubectl apply", manager: "kubectl"},
		{name: "Argo CD", manager: "argocd-controller", tracking: "argocd.argoproj.io/tracking-id"},
	}
}

// TestKustomize shows that kustomize's helmCharts renders what `helm template` renders.
func TestKustomize(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	byName := cmpopts.SortSlices(func(a, b *unstructured.Unstructured) int {
		return strings.Compare(a.GetKind()+a.GetName(), b.GetKind()+b.GetName())
	})
	if diff := cmp.Diff(s.template(t, nil), s.inflate(t, nil), byName); diff != "" {
		t.Errorf("kustomize differs from helm template (-template +kustomize):\n%s", diff)
	}
}

// appliesManifests takes the chart through its life as manifests, over what was kept of it before. Before each sync, exactly what changed
// differs from the cluster, as gitops-engine's server-side diff judges it: by a dry run of the apply. After it, nothing does.
func (s *suite) appliesManifests(t *testing.T, r rendered) {
	t.Helper()
	sync := func(values map[string]any, different ...string) (objects []*unstructured.Unstructured) {
		t.Helper()
		objects = s.track(t, r, values)
		if diff := cmp.Diff(different, s.outOfSync(t, r, objects)); different != nil && diff != "" {
			t.Errorf("out of sync with %v (-want +got):\n%s", values, diff)
		}
		for _, o := range objects {
			s.apply(t, r, o.DeepCopy())
		}
		if got := s.outOfSync(t, r, objects); got != nil {
			t.Errorf("after a sync with %v, out of sync: %q", values, got)
		}
		return objects
	}
	sync(nil)
	s.wantCPU(t, "40")
	s.wantMember(t, "applied")
	cpu := map[string]any{"tiers": map[string]any{"standard": map[string]any{"quota": map[string]any{"default": map[string]any{"cpu": "41"}}}}}
	sync(cpu, "WorkspaceTier/standard")
	s.wantCPU(t, "41")
	sync(map[string]any{"image": map[string]any{"tag": "v9"}}, "Deployment/"+release, "WorkspaceTier/standard")
	s.makeCRDsOld(t)
	objects := sync(nil, "CustomResourceDefinition/workspacetiers.platform.company.com", "Deployment/"+release)
	if !s.crdHasCurrentSchema(t) {
		t.Error("the sync left the old CRD")
	}
	s.removeManifests(t, objects)
	s.wantCPU(t, "40")
	s.wantMember(t, "removed")
}

// apply applies the object, and sets it to what the API server answers.
func (s *suite) apply(t *testing.T, r rendered, o *unstructured.Unstructured, options ...client.ApplyOption) {
	t.Helper()
	options = append(options, client.FieldOwner(r.manager), client.ForceOwnership)
	harness.Must(t, s.admin.Apply(t.Context(), client.ApplyConfigurationFromUnstructured(o), options...))
}

// track renders the chart and adds the tool's tracking annotation.
func (s *suite) track(t *testing.T, r rendered, values map[string]any) []*unstructured.Unstructured {
	t.Helper()
	objects := s.template(t, values)
	for _, o := range objects {
		namespaced, err := s.admin.IsObjectNamespaced(o)
		harness.Must(t, err)
		if namespaced && o.GetNamespace() == "" {
			o.SetNamespace(namespace)
		}
		if r.tracking != "" {
			annotations := o.GetAnnotations()
			if annotations == nil {
				annotations = map[string]string{}
			}
			annotations[r.tracking] = release + ":" + o.GetKind() + "/" + o.GetName()
			o.SetAnnotations(annotations)
		}
	}
	return objects
}

// outOfSync names the objects that an apply would change.
func (s *suite) outOfSync(t *testing.T, r rendered, objects []*unstructured.Unstructured) (names []string) {
	t.Helper()
	for _, o := range objects {
		live := &unstructured.Unstructured{}
		live.SetGroupVersionKind(o.GroupVersionKind())
		harness.Must(t, client.IgnoreNotFound(s.admin.Get(t.Context(), client.ObjectKeyFromObject(o), live)))
		predicted := o.DeepCopy()
		s.apply(t, r, predicted, client.DryRunAll)
		if !equality.Semantic.DeepEqual(withoutServerFields(live), withoutServerFields(predicted)) {
			names = append(names, o.GetKind()+"/"+o.GetName())
		}
	}
	slices.Sort(names)
	return names
}

// withoutServerFields is the object without what every write changes, and without its status: kube-controller-manager may write that
// between two requests, and Argo CD 3 ignores it too.
func withoutServerFields(o *unstructured.Unstructured) map[string]any {
	o = o.DeepCopy()
	o.SetManagedFields(nil)
	o.SetResourceVersion("")
	o.SetGeneration(0)
	unstructured.RemoveNestedField(o.Object, "status")
	return o.Object
}

// removeManifests deletes what the tools delete with the application: not CRDs, and not what is to be kept.
func (s *suite) removeManifests(t *testing.T, objects []*unstructured.Unstructured) {
	t.Helper()
	for _, o := range objects {
		if o.GetKind() == "CustomResourceDefinition" || o.GetAnnotations()["helm.sh/resource-policy"] == "keep" {
			continue
		}
		harness.Must(t, s.admin.Delete(t.Context(), o))
	}
}

// makeCRDsOld takes a field away that both the service and the chart's tiers may use.
func (s *suite) makeCRDsOld(t *testing.T) {
	t.Helper()
	o := crd()
	harness.Must(t, s.admin.Get(t.Context(), crdKey, o))
	versions, _, err := unstructured.NestedSlice(o.Object, "spec", "versions")
	harness.Must(t, err)
	unstructured.RemoveNestedField(versions[0].(map[string]any), fieldOfCurrentSchema...)
	harness.Must(t, unstructured.SetNestedSlice(o.Object, versions, "spec", "versions"))
	harness.Must(t, s.admin.Update(t.Context(), o))
	if s.crdHasCurrentSchema(t) {
		t.Fatal("the CRD still has the field")
	}
}

// values are those of every installation here, and these.
func values(more map[string]any) map[string]any {
	all := map[string]any{
		"flyte":   map[string]any{"consoleURL": "https://flyte.company.com"},
		"webhook": map[string]any{"existingSecret": "not-used"},
		"image":   map[string]any{"repository": "registry.company.com/workspace-flyte-integration"},
		"crds":    map[string]any{"upgrade": false}, // a Job of Helm, which these tools need not run
	}
	for key, value := range more {
		if image, ok := value.(map[string]any); ok && key == "image" {
			image["repository"] = "registry.company.com/workspace-flyte-integration"
		}
		all[key] = value
	}
	return all
}

// template renders the chart as `helm template` does.
func (s *suite) template(t *testing.T, more map[string]any) []*unstructured.Unstructured {
	t.Helper()
	text, err := yaml.Marshal(values(more))
	harness.Must(t, err)
	cmd := exec.CommandContext(t.Context(), s.helmPath, "template", release, chart, "--namespace", namespace,
		"--include-crds", "--no-hooks", "--values", "-")
	cmd.Env, cmd.Stdin = s.helmEnv(), bytes.NewReader(text)
	manifests, err := cmd.Output()
	harness.Must(t, err)
	return decode(t, manifests)
}

// inflate renders the chart as kustomize's helmCharts does.
func (s *suite) inflate(t *testing.T, more map[string]any) []*unstructured.Unstructured {
	t.Helper()
	path, err := filepath.Abs(chart)
	harness.Must(t, err)
	text, err := yaml.Marshal(map[string]any{
		"helmGlobals": map[string]any{"chartHome": filepath.Dir(path)},
		"helmCharts": []any{map[string]any{
			"name": release, "releaseName": release, "namespace": namespace, "includeCRDs": true,
			"kubeVersion": "1.36", "valuesInline": values(more),
		}},
	})
	harness.Must(t, err)
	disk, dir := filesys.MakeFsOnDisk(), t.TempDir()
	harness.Must(t, disk.WriteFile(filepath.Join(dir, "kustomization.yaml"), text))
	options := krusty.MakeDefaultOptions()
	options.LoadRestrictions = kustomize.LoadRestrictionsNone
	options.PluginConfig = kustomize.EnabledPluginConfig(kustomize.BploUseStaticallyLinked)
	options.PluginConfig.HelmConfig = kustomize.HelmConfig{Enabled: true, Command: s.helm3Path}
	objects, err := krusty.MakeKustomizer(options).Run(disk, dir)
	harness.Must(t, err)
	manifests, err := objects.AsYaml()
	harness.Must(t, err)
	return decode(t, manifests)
}

func decode(t *testing.T, manifests []byte) (objects []*unstructured.Unstructured) {
	t.Helper()
	decoder := utilyaml.NewYAMLOrJSONDecoder(bytes.NewReader(manifests), 4096)
	for {
		o := &unstructured.Unstructured{}
		switch err := decoder.Decode(&o.Object); {
		case errors.Is(err, io.EOF):
			return objects
		case err != nil:
			t.Fatal(err)
		case strings.Contains(o.GetAnnotations()["helm.sh/hook"], "test"), o.Object == nil:
		default:
			objects = append(objects, o)
		}
	}
}
