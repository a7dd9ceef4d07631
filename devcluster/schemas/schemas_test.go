package schemas_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"sigs.k8s.io/yaml"

	"platform.company.com/workspace-flyte-integration/devcluster/binaries"
	"platform.company.com/workspace-flyte-integration/devcluster/schemas"
)

// check validates a manifest against the schema in dir.
func check(t *testing.T, dir, file, manifest string) error {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, file))
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource(file, document); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile(file)
	if err != nil {
		t.Fatal(err)
	}
	text, err = yaml.YAMLToJSON([]byte(manifest))
	if err != nil {
		t.Fatal(err)
	}
	object, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return compiled.Validate(object)
}

// preStop is a Deployment whose container has this hook.
func preStop(hook string) string {
	return "{spec: {selector: {}, template: {spec: {containers: [{name: x, lifecycle: {preStop: {" + hook + "}}}]}}}}"
}

func TestSchemas_RefuseUnknownFields(t *testing.T) {
	source, err := binaries.KubernetesSource(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := schemas.WriteKubernetes(dir, source); err != nil {
		t.Fatal(err)
	}
	const crds = "../../charts/workspace-flyte-integration/crds/platform.company.com_"
	for _, crd := range []string{"workspaces.yaml", "workspacetiers.yaml"} {
		if err := schemas.WriteCRD(dir, crds+crd); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ file, manifest, refusal string }{
		{"service-v1.json", "{kind: Service, spec: {ports: [{port: 80, targetPort: http}, {port: 81, targetPort: 8081}]}}", ""},
		{"service-v1.json", "{kind: Service, spec: {ports: [{port: 80, targetport: http}]}}", "targetport"},
		{"service-v1.json", "{kind: Service, spec: {ports: [{port: eighty}]}}", "/spec/ports/0/port"},
		{"limitrange-v1.json", "{kind: LimitRange, spec: {limits: [{type: Container, max: {cpu: 1, memory: 1Gi}}]}}", ""},
		{"deployment-apps-v1.json", preStop("sleep: {seconds: 5}"), ""},
		{"deployment-apps-v1.json", preStop("nap: {}"), "nap"},
		{"customresourcedefinition-apiextensions-v1.json", `{spec: {group: g, names: {kind: K, plural: k},
			scope: Cluster, versions: [
			{name: v1, served: true, storage: true,
				schema: {openAPIV3Schema: {properties: {a: {items: {properties: {b: {type: string}}}}}}}}]}}`, ""},
		{"workspace-platform-v1alpha1.json", "{kind: Workspace, metadata: {name: x}, spec: {displayName: X, tier: large}}", ""},
		{"workspace-platform-v1alpha1.json", "{kind: Workspace, spec: {displayname: X}}", "displayname"},
		{"workspacetier-platform-v1alpha1.json", "{spec: {quota: {default: {cpu: '8', disk: '1'}}}}", "disk"},
	} {
		err := check(t, dir, c.file, c.manifest)
		if (err == nil) != (c.refusal == "") || err != nil && !strings.Contains(err.Error(), c.refusal) {
			t.Errorf("%s: got %v, want %q", c.manifest, err, c.refusal)
		}
	}
}

func TestWriteCRD_NamesAnInvalidFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pod.yaml")
	if err := os.WriteFile(file, []byte("kind: Pod"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := schemas.WriteCRD(t.TempDir(), file); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("got %v", err)
	}
}
