package main

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const templatesDir = "testdata/flyte-templates"

// The golden file is also one that the API server must accept: see package deploy.
func TestConvert_MakesATierOfFlytesTemplates(t *testing.T) {
	const golden = "testdata/converted-tier.yaml"
	got := invocation{}.run(t, "convert", "flyte-templates", templatesDir, "--custom-data", "testdata/custom-data.yaml", "--name", "flyte")
	if *update {
		if err := os.WriteFile(golden, []byte(got.Stdout), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(result{Stdout: string(want)}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestConvert_SaysWhatItDoesNot(t *testing.T) {
	got := invocation{}.run(t, "convert", "flyte-templates", "testdata/flyte-refused")
	for _, warning := range []string{
		"a.yaml: Secret token: a tier has no Secrets",
		"b.yaml: RoleBinding admins: members have the roles of docs/members.md",
		"c.yaml: ConfigMap elsewhere is in the namespace kube-system",
		"d.yaml: metadata.finalizers: a template can't set it",
		"d.yaml: .data.main.py has the unknown placeholder {name}",
		"e.yaml: needs values for unknown: give --custom-data",
		`f.yaml: Deployment proxy: "Deployment.v1.apps": no kind of the group apps`,
		"h.yaml: is no object of Kubernetes",
		"i.yaml: spec.scopes: only quota.priorityClasses has a scope",
		"i.yaml: has more than one object",
		"j.yaml: spec.limits of type Pod: limitRange bounds containers alone",
		"k.yaml: the label kubernetes.io/x is reserved",
	} {
		if !strings.Contains(got.Stderr, "warning: "+warning) {
			t.Errorf("it does not say %q", warning)
		}
	}
	if got.Code != exitPreflight || !strings.Contains(got.Stdout, "name: taken") || strings.Contains(got.Stdout, "name: code") {
		t.Errorf("exit code %d:\n%s\n%s", got.Code, got.Stdout, got.Stderr)
	}
}

func TestConvert_RefusesWrongUsage(t *testing.T) {
	for _, c := range []struct {
		args []string
		code int
		text string
	}{
		{nil, exitUsage, "accepts 1 arg"},
		{[]string{"nowhere"}, exitError, "reading the templates"},
		{[]string{t.TempDir()}, exitError, "there is no template"},
		{[]string{templatesDir, "--custom-data", "nowhere"}, exitError, "see --custom-data"},
		{[]string{templatesDir, "--custom-data", "testdata/flyte-templates/aa_namespace.yaml"}, exitError, "reading customData"},
	} {
		got := invocation{}.run(t, append([]string{"convert", "flyte-templates"}, c.args...)...)
		if got.Code != c.code || !strings.Contains(got.Stderr, c.text) || got.Stdout != "" {
			t.Errorf("%v: exit code %d, %q", c.args, got.Code, got.Stderr)
		}
	}
}

// Values that differ between domains make a quota for each, and are refused elsewhere.
func TestConvert_DomainsDifferInQuotasAlone(t *testing.T) {
	got := invocation{}.run(t, "convert", "flyte-templates", templatesDir, "--custom-data", "testdata/custom-data-differing.yaml")
	const want = "warning: ae_plugin.yaml: differs between domains, which only a ResourceQuota can"
	if got.Code != exitPreflight || !strings.Contains(got.Stderr, want) || !strings.Contains(got.Stdout, "production:") {
		t.Errorf("exit code %d:\n%s\n%s", got.Code, got.Stdout, got.Stderr)
	}
}
