package deploy_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
)

func TestParseProfile(t *testing.T) {
	got, err := deploy.ParseProfile([]byte(`
target: k8s
k8s:
  context: production
  values: [base.yaml, production.yaml]
  replicas: 3
  ingress: true
`))
	if err != nil {
		t.Fatal(err)
	}
	want := &deploy.Profile{Target: "k8s", Flags: map[string]map[string][]string{"k8s": {
		"context": {"production"}, "values": {"base.yaml", "production.yaml"}, "replicas": {"3"}, "ingress": {"true"},
	}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParseProfile_Refuses(t *testing.T) {
	for text, want := range map[string]string{
		"k8s: 3":                          "k8s must be a map of flags to their values",
		"targe: k8s":                      "targe must be a map of flags to their values",
		"k8s: {set: {a: b}}":              "k8s.set must be a text",
		"k8s: {context: null}":            "k8s.context must be a text",
		"k8s: {a: 1}\nk8s: {a: 2}":        "already set",
		"[]":                              "cannot unmarshal",
		"# " + strings.Repeat("x", 1<<16): "longer than",
	} {
		if _, err := deploy.ParseProfile([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %q", text, err, want)
		}
	}
}

// FuzzParseProfile: any text is a profile or an error, and every flag has at least an empty list of values.
func FuzzParseProfile(f *testing.F) {
	f.Add([]byte("target: k8s\nk8s: {values: [a, b], replicas: 3}"))
	f.Add([]byte("target: docker\ndocker: {host: ops@node1, publish: '127.0.0.1:8080', env: [A=$b, C=d], pull: true}"))
	f.Add([]byte("k8s: {a: .inf, b: 1e400, c: 0x1F}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := deploy.ParseProfile(text)
		if err != nil {
			return
		}
		for target, flags := range p.Flags {
			for name, values := range flags {
				if values == nil {
					t.Errorf("%s.%s has no values", target, name)
				}
			}
		}
	})
}
