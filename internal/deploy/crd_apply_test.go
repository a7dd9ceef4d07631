package deploy_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// wholeWorkspace has every field of a spec, and wholeStatus of a status. rayTier has what wholeTier can't have beside Spark,
// and queueTier what needs a quota.
const (
	rayTier = `
workload: {role: ray}
network: {rayOperator: {namespace: ray-system, podLabels: {app: ray}}}
`
	queueTier = `
quota: {default: {cpu: "40", memory: 160Gi}}
limitRange: {maxLimitRequestRatio: {cpu: "4", memory: "2"}}
queue:
  mode: own
  cohort: teams
  flavors: [{name: on-demand}, {name: a100, resources: [gpu]}]
  borrowingLimit: {cpu: "40"}
  lendingLimit: {cpu: "20", nvidia.com/mig-1g.5gb: "1"}
  preemption:
    reclaimWithinCohort: Any
    withinClusterQueue: LowerPriority
    borrowWithinCohort: {policy: LowerPriority, maxPriorityThreshold: 100}
  fairSharing: {weight: "2"}
`
	wholeWorkspace = `
displayName: Fraud
description: Card fraud
owner: ana@company.com
tier: standard
quota: {cpu: "40", memory: 160Gi, gpu: "4", storage: 1Ti, pods: "200", extra: {count/jobs.batch: "10"}}
members: [{kind: User, name: ana@company.com, role: admin}]
labels: {cost-center: "42"}
version: 7
state: Suspended
stateVersion: 7
`
	wholeStatus = `
observedGeneration: 1
conditions: [{type: Ready, status: "True", reason: Ready, message: "", lastTransitionTime: "2026-11-20T08:41:00Z"}]
namespaces: [flyte-fraud]
tier: standard
projectID: fraud
consoleURL: https://flyte.company.com
projectDigest: abc
projectFlyte: {endpoint: "flyte-admin:81", apiVersion: v1}
flyteAttributes: [TASK_RESOURCE]
deletion:
  policy: Delete
  requestedAt: "2026-11-20T08:41:00Z"
  stateVersion: 7
  purgeAt: "2026-11-20T08:41:00Z"
  namespaces: [{name: flyte-fraud, uid: abc}]
  purgeStartedAt: "2026-11-20T08:41:00Z"
  purgedAt: "2026-11-20T08:41:00Z"
  expiresAt: "2026-11-20T08:41:00Z"
lastPurgeAt: "2026-11-20T08:41:00Z"
reported: {version: 7, status: ready, reason: Ready, digest: abc, time: "2026-11-20T08:41:00Z"}
`
)

// Helm, Argo CD and Flux apply tiers and workspaces server-side. A map or list that had content must be applicable as an empty one,
// or left out: the API server makes null of an emptied map that is not atomic, and then refuses it.
func TestCRDs_CanBeAppliedFromFullToEmpty(t *testing.T) {
	for _, c := range []struct{ kind, part, full string }{
		{"WorkspaceTier", "spec", wholeTier},
		{"WorkspaceTier", "spec", rayTier},
		{"WorkspaceTier", "spec", queueTier},
		{"Workspace", "spec", wholeWorkspace},
		{"Workspace", "status", wholeStatus},
	} {
		t.Run(c.kind+" "+c.part, func(t *testing.T) {
			a := applied{kind: c.kind, part: c.part, full: spec(t, c.full), client: clientFor(t, installed(t))}
			schema := schemaOf(t, c.kind, c.part)
			a.apply(t, a.full)
			for _, field := range a.containers(t, schema, nil) {
				name, only := strings.Join(field.path, "."), map[string]string{rayTier: "network.rayOperator", queueTier: "queue"}[c.full]
				if strings.HasPrefix(name, only) {
					t.Run(name, func(t *testing.T) { a.empty(t, field) })
				}
			}
		})
	}
}

// applied is an object that is applied repeatedly. part is spec or status.
type applied struct {
	kind, part string
	full       map[string]any
	client     client.Client
}

// holder is a field with a map or a list.
type holder struct {
	path     []string
	empty    any
	required []any // the content that it must always have
}

// containers are all maps and lists below a schema, without those in lists. It fails where the full object lacks a field.
func (a applied) containers(t *testing.T, schema map[string]any, path []string) (found []holder) {
	t.Helper()
	value, has, _ := unstructured.NestedFieldNoCopy(a.full, path...)
	if !has && path[len(path)-1] == "share" {
		return nil // it needs quotaScope workspace, with which no domain has a quota of its own
	}
	another := slices.Equal(path, []string{"network", "rayOperator"}) || slices.Equal(path, []string{"queue"})
	if !has && (a.full["allowedWorkspaces"] == nil && a.kind == "WorkspaceTier" || another) {
		return nil // of another tier
	}
	if !has {
		t.Errorf("the full %s of a %s lacks %s", a.part, a.kind, strings.Join(path, "."))
		return nil
	}
	required, _, _ := unstructured.NestedSlice(schema, "required")
	switch schema["type"] {
	case "array":
		return []holder{{path, []any{}, required}}
	case "object":
		found = []holder{{path, map[string]any{}, required}}
	default:
		return nil
	}
	properties, _, _ := unstructured.NestedMap(schema, "properties")
	if each, has, _ := unstructured.NestedMap(schema, "additionalProperties"); has {
		entries, _ := value.(map[string]any)
		for key := range entries {
			properties = map[string]any{key: each}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		below, _ := properties[name].(map[string]any)
		found = append(found, a.containers(t, below, slices.Concat(path, []string{name}))...)
	}
	return found
}

// empty applies the full object with one field empty, and without the field.
func (a applied) empty(t *testing.T, field holder) {
	t.Helper()
	for _, required := range field.required {
		if name, _ := required.(string); len(field.path) > 0 && name != "" {
			t.Logf("%v is required in it", required)
			return
		}
	}
	if n := len(field.path); n > 1 && field.path[n-2] == "priorityClasses" {
		t.Log("a priority class needs an amount")
		return
	}
	emptied := runtime.DeepCopyJSON(a.full)
	if len(field.path) == 0 {
		if a.part == "spec" { // the controller alone writes a status, and never an empty one
			a.apply(t, map[string]any{}, client.DryRunAll)
		}
		return
	}
	if err := unstructured.SetNestedField(emptied, field.empty, field.path...); err != nil {
		t.Fatal(err)
	}
	a.apply(t, emptied, client.DryRunAll)
	unstructured.RemoveNestedField(emptied, field.path...)
	a.apply(t, emptied, client.DryRunAll)
}

func (a applied) apply(t *testing.T, content map[string]any, options ...client.ApplyOption) {
	t.Helper()
	object := tierObject("full-to-empty", content)
	object.SetKind(a.kind)
	options = append(options, client.FieldOwner("helm"))
	var err error
	if a.part == "status" { // of the Workspace that the case before it has made
		object.Object = map[string]any{
			"apiVersion": object.GetAPIVersion(), "kind": a.kind, "metadata": map[string]any{"name": object.GetName()}, "status": content,
		}
		all := &client.SubResourceApplyOptions{}
		all.ApplyOptions = *all.ApplyOptions.ApplyOptions(options)
		err = a.client.Status().Apply(t.Context(), client.ApplyConfigurationFromUnstructured(object), all)
	} else {
		err = a.client.Apply(t.Context(), client.ApplyConfigurationFromUnstructured(object), options...)
	}
	if err != nil {
		t.Error(err)
	}
}

// schemaOf is the schema of the spec or status in the CRD.
func schemaOf(t *testing.T, kind, part string) map[string]any {
	t.Helper()
	for _, object := range rendered(t, ciValues(t, "default")) {
		defined, _, _ := unstructured.NestedString(object.Object, "spec", "names", "kind")
		if object.GetKind() != "CustomResourceDefinition" || defined != kind {
			continue
		}
		versions, _, _ := unstructured.NestedSlice(object.Object, "spec", "versions")
		version, _ := versions[0].(map[string]any)
		schema, _, err := unstructured.NestedMap(version, "schema", "openAPIV3Schema", "properties", part)
		if err != nil {
			t.Fatal(err)
		}
		return schema
	}
	t.Fatalf("there is no CRD of %s", kind)
	return nil
}
