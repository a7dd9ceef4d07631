package lifecycle

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/k8s"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

const (
	pluginTemplate = `
apiVersion: v1
kind: ConfigMap
metadata:
  name: plugin
  labels: {team: "{labels.cost-center}"}
  annotations: {company.com/of: "{workspace} on {tier}"}
data: {project: "{project}", path: "s3://data/{namespace}/", template: "{{ .Values }} ${HOME}"}
`
	widgetTemplate = `
apiVersion: test.company.com/v1
kind: Widget
metadata: {name: "{workspace}-widget", namespace: "{namespace}"}
spec: {owner: "{workspace}", size: 3, nested: {a: x}, ports: [{port: 80}, {port: 443}]}
`
	plugin = "ConfigMap/plugin"
)

// tierObjectDrifts are changes to what the templates state.
func tierObjectDrifts(widget string) []drift {
	all := []drift{
		{plugin, "value altered", set("eve", "data", "project")},
		{plugin, "key removed", remove("data", "path")},
		{plugin, "data removed", remove("data")},
		{plugin, "label of the tier altered", setLabel("team", "43")},
		{plugin, "label of the tier removed", dropLabel("team")},
		{plugin, "annotation of the tier removed", remove("metadata", "annotations", "company.com/of")},
		{plugin, "altered and made immutable", func(o *unstructured.Unstructured) {
			set("eve", "data", "project")(o)
			set(true, "immutable")(o)
		}},
		{widget, "value altered", set(int64(9), "spec", "size")},
		{widget, "nested value removed", remove("spec", "nested")},
		{widget, "list shortened", set([]any{map[string]any{"port": int64(80), "protocol": "TCP"}}, "spec", "ports")},
		{widget, "item altered", set([]any{
			map[string]any{"port": int64(81), "protocol": "TCP"}, map[string]any{"port": int64(443), "protocol": "TCP"},
		}, "spec", "ports")},
	}
	for _, object := range []string{plugin, widget} {
		all = append(all,
			drift{object, "managed-by removed", dropLabel(v1alpha1.LabelManagedBy)},
			drift{object, "workspace label altered", setLabel(v1alpha1.LabelWorkspace, "another")},
			drift{object, "all labels removed", func(o *unstructured.Unstructured) { o.SetLabels(nil) }},
			drift{object, "fewer fields recorded", recordFields(map[string]any{})},
			drift{object, "metadata recorded", recordFields(map[string]any{"metadata": true, "kind": true})},
		)
	}
	return all
}

// recordFields changes the fields in the record of an object.
func recordFields(fields map[string]any) func(*unstructured.Unstructured) {
	return func(o *unstructured.Unstructured) {
		annotations := o.GetAnnotations()
		record, _ := v1alpha1.TierObjectRecordOf(o)
		record.Fields = fields
		annotations[v1alpha1.AnnotationTierObject] = record.String()
		o.SetAnnotations(annotations)
	}
}

func TestController_AppliesTierObjects(t *testing.T) {
	t.Parallel()
	installCRD(t, shared.Admin(t), widgets, "Namespaced")
	env := objectEnv(t, configMaps, widgets)
	env.provisionedOnTier("objects", func(spec *v1alpha1.WorkspaceTierSpec) {
		spec.Objects = templates(pluginTemplate, widgetTemplate)
	})
	const namespace, widget = "flyte-objects", "Widget/objects-widget"
	made, err := env.object(namespace, plugin)
	must(t, err)
	want := map[string]any{"project": "objects", "path": "s3://data/flyte-objects/", "template": "{{ .Values }} ${HOME}"}
	if diff := cmp.Diff(want, made.Object["data"]); diff != "" {
		t.Errorf("the ConfigMap's data (-want +got):\n%s", diff)
	}
	if made.GetLabels()["team"] != "42" || made.GetAnnotations()["company.com/of"] != "objects on objects-tier" {
		t.Errorf("the metadata is %v", made.Object["metadata"])
	}
	made, err = env.object(namespace, widget)
	must(t, err)
	if c, _, _ := unstructured.NestedString(made.Object, "spec", "color"); c != "blue" {
		t.Errorf("the API server's default is %q", c)
	}
	env.await("objects", v1alpha1.ConditionObjectsApplied, v1alpha1.ReasonApplied)

	listed, err := env.controller.ObjectKinds.ListOwned(t.Context(), namespace)
	must(t, err)
	all := []k8s.OwnedObject{
		{Kind: "ConfigMap", Namespace: namespace, Name: "plugin"}, {Kind: "Widget", Namespace: namespace, Name: "objects-widget"},
	}
	if diff := cmp.Diff(all, listed); diff != "" {
		t.Errorf("the objects for readers (-want +got):\n%s", diff)
	}

	for _, d := range tierObjectDrifts(widget) {
		t.Log(d.object, d.name)
		before, drifted := env.applyDrift(namespace, d)
		env.awaitRepaired(namespace, before, d.object, drifted)
	}
	for _, object := range []string{plugin, widget} {
		before, err := env.object(namespace, object)
		must(t, err)
		must(t, env.admin.Delete(t.Context(), before.DeepCopy()))
		env.awaitRepaired(namespace, before, object, before.GetResourceVersion())
	}
	env.reconcile("objects")
	writes := env.requests.total()
	env.reconcile("objects")
	if n := env.requests.total() - writes; n != 0 {
		t.Errorf("%d writes at rest: %v", n, env.requests.writes())
	}
}

// A change of the templates removes the fields and objects that they drop, and nothing else. A suspended workspace keeps its objects.
func TestController_PrunesTierObjects(t *testing.T) {
	t.Parallel()
	installCRD(t, shared.Admin(t), widgets, "Namespaced")
	env := objectEnv(t, configMaps, widgets)
	env.provisionedOnTier("pruning", func(spec *v1alpha1.WorkspaceTierSpec) {
		spec.Objects = templates(pluginTemplate, widgetTemplate)
	})
	const namespace, widget = "flyte-pruning", "Widget/pruning-widget"
	env.applyDrift(namespace, drift{object: plugin, change: func(o *unstructured.Unstructured) { // what others add
		set("theirs", "data", "theirs")(o)
		setLabel("company.com/theirs", "a")(o)
	}})
	env.applyDrift(namespace, drift{object: widget, change: func(o *unstructured.Unstructured) {
		set("red", "spec", "color")(o)
		set("theirs", "spec", "nested", "b")(o)
	}})
	copied := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "copied"}}
	original, err := env.object(namespace, plugin)
	must(t, err)
	copied.Labels, copied.Annotations = original.GetLabels(), original.GetAnnotations()
	create(t, env.admin, copied)

	env.changeTier("pruning-tier", func(spec *v1alpha1.WorkspaceTierSpec) {
		spec.Objects = templates(
			"{apiVersion: v1, kind: ConfigMap, metadata: {name: plugin}, data: {project: new}}",
			"{apiVersion: test.company.com/v1, kind: Widget, metadata: {name: '{workspace}-widget'}, spec: {size: 4}}",
		)
	})
	eventually(t, func(context.Context) error {
		changed, err := env.object(namespace, plugin)
		if err != nil {
			return err
		}
		if diff := cmp.Diff(map[string]any{"project": "new", "theirs": "theirs"}, changed.Object["data"]); diff != "" {
			return fmt.Errorf("the data (-want +got):\n%s", diff)
		}
		if labels := changed.GetLabels(); labels["team"] != "" || labels["company.com/theirs"] != "a" {
			return fmt.Errorf("the labels are %v", labels)
		}
		changed, err = env.object(namespace, widget)
		if err != nil {
			return err
		}
		want := map[string]any{"size": int64(4), "color": "red", "nested": map[string]any{"b": "theirs"}}
		if diff := cmp.Diff(want, changed.Object["spec"]); diff != "" {
			return fmt.Errorf("the spec (-want +got):\n%s", diff)
		}
		return nil
	})

	env.setState("pruning", v1alpha1.StateSuspended)
	env.await("pruning", v1alpha1.ConditionReady, v1alpha1.ReasonSuspended)
	for _, object := range []string{plugin, widget} {
		_, err := env.object(namespace, object)
		must(t, err)
	}
	env.setState("pruning", v1alpha1.StateActive)
	env.changeTier("pruning-tier", func(spec *v1alpha1.WorkspaceTierSpec) { spec.Objects = nil })
	env.awaitNoObject(namespace, plugin)
	env.awaitNoObject(namespace, widget)
	w := env.await("pruning", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	for _, object := range []string{"ConfigMap/copied", "ConfigMap/workspace-config"} {
		_, err := env.object(namespace, object)
		must(t, err)
	}
	eventually(t, func(context.Context) error {
		if w = env.get("pruning"); meta.FindStatusCondition(w.Status.Conditions, v1alpha1.ConditionObjectsApplied) != nil {
			return fmt.Errorf("the conditions are %v", conditions(w))
		}
		return nil
	})
}

// Everything else is in place while a CRD is missing, and the objects follow when it is installed. kstatus shows a failure meanwhile.
func TestController_WaitsForCRDOfTierObject(t *testing.T) {
	t.Parallel()
	env := objectEnv(t, configMaps, gadgets)
	env.createOnTier("uninstalled", func(spec *v1alpha1.WorkspaceTierSpec) {
		spec.Objects = templates(
			"{apiVersion: test.company.com/v1, kind: Gadget, metadata: {name: gadget}, spec: {size: 1}}", pluginTemplate,
		)
	})
	w := env.await("uninstalled", v1alpha1.ConditionReady, v1alpha1.ReasonKindNotInstalled)
	want := []string{
		"NamespaceReady=True Applied", "QuotaApplied=True Applied", "AccessGranted=True Applied", "NetworkIsolated=True Applied",
		"FlyteProjectRegistered=True Applied", "ObjectsApplied=False KindNotInstalled", "Ready=False KindNotInstalled",
	}
	if diff := cmp.Diff(want, conditions(w)); diff != "" {
		t.Errorf("conditions (-want +got):\n%s", diff)
	}
	if !meta.IsStatusConditionTrue(w.Status.Conditions, v1alpha1.ConditionStalled) {
		t.Error("the workspace is not Stalled")
	}
	message := env.conditionMessage("uninstalled", v1alpha1.ConditionObjectsApplied, v1alpha1.ReasonKindNotInstalled)
	if !strings.Contains(message, "install its CRD") {
		t.Errorf("the message is %q", message)
	}
	eventually(t, func(context.Context) error { // its kind may be listed later
		_, err := env.object("flyte-uninstalled", plugin)
		return err
	})
	env.awaitTierCondition("uninstalled-tier", v1alpha1.ReasonKindNotInstalled, "spec.objects[0]")
	installCRD(t, env.admin, gadgets, "Namespaced")
	env.await("uninstalled", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	_, err := env.object("flyte-uninstalled", "Gadget/gadget")
	must(t, err)
	env.awaitTierCondition("uninstalled-tier", v1alpha1.ReasonAccepted, "")

	env.serve(gadgets, false) // no event says so
	env.await("uninstalled", v1alpha1.ConditionReady, v1alpha1.ReasonKindNotInstalled)
	env.serve(gadgets, true)
	env.await("uninstalled", v1alpha1.ConditionReady, v1alpha1.ReasonReady)

	must(t, env.admin.Delete(t.Context(), crd(gadgets, "Namespaced"))) // with all its objects
	eventually(t, func(ctx context.Context) error {
		left := crd(gadgets, "Namespaced")
		if err := env.admin.Get(ctx, client.ObjectKeyFromObject(left), left); !apierrors.IsNotFound(err) {
			return fmt.Errorf("the CRD is still there (%w): %v", err, left.Object["status"])
		}
		return nil
	})
	env.await("uninstalled", v1alpha1.ConditionReady, v1alpha1.ReasonKindNotInstalled)
	installCRD(t, env.admin, gadgets, "Namespaced")
	env.await("uninstalled", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
}

// A kind that the service may not list is reported for each workspace: it may have objects that are to be removed.
func TestController_ReportsForbiddenKindOfTierObjects(t *testing.T) {
	t.Parallel()
	installCRD(t, shared.Admin(t), widgets, "Namespaced")
	env := newTestEnv(t, envOptions{objectKinds: workspace.ObjectKinds{configMaps, widgets}, tierStatusInterval: 10 * time.Millisecond})
	env.createOnTier("unlisted", func(spec *v1alpha1.WorkspaceTierSpec) { spec.Objects = templates(pluginTemplate) })
	w := env.await("unlisted", v1alpha1.ConditionReady, v1alpha1.ReasonForbidden)
	if !meta.IsStatusConditionTrue(w.Status.Conditions, v1alpha1.ConditionStalled) {
		t.Error("the workspace is not Stalled")
	}
	message := env.conditionMessage("unlisted", v1alpha1.ConditionObjectsApplied, v1alpha1.ReasonForbidden)
	if !strings.Contains(message, "Widget.v1.test.company.com") || !strings.Contains(message, "cannot list") {
		t.Errorf("the message is %q", message)
	}
	env.changeTier("unlisted-tier", func(spec *v1alpha1.WorkspaceTierSpec) { spec.Objects = templates(widgetTemplate) })
	env.awaitTierCondition("unlisted-tier", v1alpha1.ReasonForbidden, "spec.objects[0]")
	env.changeTier("unlisted-tier", func(spec *v1alpha1.WorkspaceTierSpec) { spec.Objects = nil })
	env.awaitNoObject("flyte-unlisted", plugin) // of the kinds that it may list
	env.await("unlisted", v1alpha1.ConditionObjectsApplied, v1alpha1.ReasonForbidden)
}

// serve has the API server serve the only version of a kind, or not.
func (env *testEnv) serve(kind schema.GroupVersionKind, served bool) {
	env.t.Helper()
	change := fmt.Sprintf(`[{"op": "replace", "path": "/spec/versions/0/served", "value": %t}]`, served)
	must(env.t, env.admin.Patch(env.t.Context(), crd(kind, "Namespaced"), client.RawPatch(types.JSONPatchType, []byte(change))))
}

// awaitTierCondition waits until the condition Accepted of a tier has the reason and mentions a text.
func (env *testEnv) awaitTierCondition(name, reason, text string) {
	env.t.Helper()
	eventually(env.t, func(ctx context.Context) error {
		var found v1alpha1.WorkspaceTier
		if err := env.admin.Get(ctx, client.ObjectKey{Name: name}, &found); err != nil {
			return err
		}
		c := meta.FindStatusCondition(found.Status.Conditions, v1alpha1.TierConditionAccepted)
		if c == nil || c.Reason != reason || !strings.Contains(c.Message, text) || found.Status.ObservedGeneration != found.Generation {
			return fmt.Errorf("the condition is %+v", c)
		}
		return nil
	})
}

// A foreign object of the same name is never touched.
func TestController_LeavesForeignObjectsOfTheName(t *testing.T) {
	t.Parallel()
	env := objectEnv(t, configMaps)
	env.provisionedOnTier("taken", func(*v1alpha1.WorkspaceTierSpec) {})
	foreign := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
		Namespace: "flyte-taken", Name: "plugin", Labels: map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy},
	}, Data: map[string]string{"theirs": "x"}}
	create(t, env.admin, foreign)
	env.changeTier("taken-tier", func(spec *v1alpha1.WorkspaceTierSpec) { spec.Objects = templates(pluginTemplate) })
	env.await("taken", v1alpha1.ConditionReady, v1alpha1.ReasonConflict)
	message := env.conditionMessage("taken", v1alpha1.ConditionObjectsApplied, v1alpha1.ReasonConflict)
	if !strings.Contains(message, `ConfigMap "plugin" in namespace "flyte-taken"`) {
		t.Errorf("the message is %q", message)
	}
	now := &corev1.ConfigMap{}
	must(t, env.admin.Get(t.Context(), client.ObjectKeyFromObject(foreign), now))
	if diff := cmp.Diff(foreign, now); diff != "" {
		t.Errorf("the foreign object (-before +after):\n%s", diff)
	}
	must(t, env.admin.Delete(t.Context(), foreign))
	env.await("taken", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
}

// A template that gives no object is reported with its field, and stops neither the others nor the removal of dropped objects. What
// it made earlier stays.
func TestController_ReportsInvalidTierObjects(t *testing.T) {
	t.Parallel()
	installCRD(t, shared.Admin(t), worlds, "Cluster")
	env := objectEnv(t, configMaps, worlds)
	env.provisionedOnTier("invalid", func(spec *v1alpha1.WorkspaceTierSpec) { spec.Objects = templates(pluginTemplate) })
	const other, metadata = "{apiVersion: v1, kind: ConfigMap, metadata: {name: other}, data: {}}", "metadata: {name: plugin}"
	for _, c := range []struct{ name, template, reason, text string }{
		{
			"placeholder", "{apiVersion: v1, kind: ConfigMap, " + metadata + ", data: {a: '{cpu}'}}", v1alpha1.ReasonTierInvalid,
			"spec.objects[0].data.a has the unknown placeholder {cpu}",
		},
		{
			"domain", "{apiVersion: v1, kind: ConfigMap, " + metadata + ", data: {a: '{domain}'}}", v1alpha1.ReasonTierInvalid,
			"NAMESPACE_TEMPLATE",
		},
		{
			"label", "{apiVersion: v1, kind: ConfigMap, " + metadata + ", data: {a: '{labels.team}'}}", v1alpha1.ReasonLabelNotFound,
			"spec.objects[0].data.a needs the workspace's label team",
		},
	} {
		env.wantInvalid(c.reason, c.text, c.template, other)
		if _, err := env.object("flyte-invalid", plugin); err != nil {
			t.Errorf("%s: an object was pruned: %v", c.name, err)
		}
	}
	env.wantInvalid(v1alpha1.ReasonTierInvalid, "is a Widget.v1.test.company.com: add its kind to the chart's value tierObjects",
		"{apiVersion: test.company.com/v1, kind: Widget, "+metadata+"}", other)
	env.awaitNoObject("flyte-invalid", plugin)
	const renamed = "{apiVersion: v1, kind: ConfigMap, metadata: {name: renamed}, data: {a: '{labels.team}'}}"
	env.wantInvalid(v1alpha1.ReasonLabelNotFound, "the workspace's label team", renamed, other)
	const misspelt = "{apiVersion: v1, kind: ConfigMap, metadata: {name: renamed}, dta: {a: b}}"
	env.wantInvalid(v1alpha1.ReasonRejected, `unknown field "dta"`, misspelt, other)
	env.wantInvalid(v1alpha1.ReasonTierInvalid, "is cluster-scoped", "{apiVersion: test.company.com/v1, kind: World, "+metadata+"}", other)
	env.changeTier("invalid-tier", func(spec *v1alpha1.WorkspaceTierSpec) { spec.Objects = templates(other) })
	env.await("invalid", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	world := &unstructured.Unstructured{}
	world.SetGroupVersionKind(worlds)
	if err := env.admin.Get(t.Context(), client.ObjectKey{Name: "plugin"}, world); client.IgnoreNotFound(err) != nil || err == nil {
		t.Errorf("an object outside the namespaces: %v", err)
	}
}

// wantInvalid gives the tier of the workspace invalid these templates, of which the first can't be used, and waits until the workspace has
// the other objects, and its condition the reason. The tier has the same, unless it depends on the workspace.
func (env *testEnv) wantInvalid(reason, text string, all ...string) {
	env.t.Helper()
	env.changeTier("invalid-tier", func(spec *v1alpha1.WorkspaceTierSpec) { spec.Objects = templates(all...) })
	eventually(env.t, func(context.Context) error {
		have := meta.FindStatusCondition(env.get("invalid").Status.Conditions, v1alpha1.ConditionObjectsApplied)
		if have == nil || have.Reason != reason || !strings.Contains(have.Message, text) {
			return fmt.Errorf("the condition is %+v", have)
		}
		_, err := env.object("flyte-invalid", "ConfigMap/other")
		return err
	})
	if reason == v1alpha1.ReasonTierInvalid {
		env.awaitTierCondition("invalid-tier", reason, text)
	}
}
