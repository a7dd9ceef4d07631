package k8s

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
)

const existing = "webhook: {existingSecret: workspace-integration-secrets, existingSecretKey: webhook-secret}\n"

// TestValues: each option sets the chart's values, and the result renders.
func TestValues(t *testing.T) {
	for name, c := range map[string]struct {
		o    ValueOptions
		want string
	}{
		"nothing": {ValueOptions{Replicas: -1}, existing},
		"tag": {
			ValueOptions{Replicas: -1, Image: "host:5000/a/b:1.2"},
			existing + `image: {registry: "", repository: "host:5000/a/b", tag: "1.2", digest: ""}`,
		},
		"port, no tag": {
			ValueOptions{Replicas: -1, Image: "host:5000/b"},
			existing + `image: {registry: "", repository: "host:5000/b", tag: "", digest: ""}`,
		},
		"digest": {
			ValueOptions{Replicas: -1, Image: "b@" + digest},
			existing + `image: {registry: "", repository: b, tag: "", digest: "` + digest + `"}`,
		},
		"autoscaled":     {ValueOptions{Replicas: 8}, existing + "replicas: 8\nautoscaling: {minReplicas: 8, maxReplicas: 8}"},
		"not autoscaled": {ValueOptions{Replicas: 2, Files: []string{"single"}}, existing + "replicas: 2\nautoscaling: {enabled: false}"},
		"recreate":       {ValueOptions{Replicas: -1, Strategy: "recreate"}, existing + "strategy: {type: Recreate, rollingUpdate: null}"},
		"rolling":        {ValueOptions{Replicas: -1, Strategy: "rolling"}, existing + "strategy: {type: RollingUpdate}"},
		"resources": {
			ValueOptions{Replicas: -1, CPU: "100m", Memory: "4Gi"},
			existing + "resources: {limits: {cpu: 100m, memory: 4Gi}, requests: {cpu: 100m}}",
		},
		"set wins": {
			ValueOptions{Replicas: 5, Set: []string{"replicas=4", "webhook.existingSecret=mine"}},
			"webhook: {existingSecret: mine}\nreplicas: 4\nautoscaling: {minReplicas: 5}",
		},
		"gateway": {
			ValueOptions{Replicas: -1, Exposure: Exposure{Gateway: "gateways/internal/https", Host: "h"}},
			existing + "exposure: {httpRoute: {enabled: true, hostnames: [h]," +
				" parentRefs: [{namespace: gateways, name: internal, sectionName: https}]}}",
		},
		"cert-manager": {
			ValueOptions{Replicas: -1, Exposure: Exposure{Ingress: true, Host: "h", TLS: "auto", Issuer: "i", Class: "haproxy"}},
			existing + "exposure: {ingress: {enabled: true, host: h, className: haproxy, tlsSecretName: workspace-flyte-integration-tls," +
				" annotations: {cert-manager.io/cluster-issuer: i}}}",
		},
		"secret": {
			ValueOptions{Replicas: -1, Exposure: Exposure{Ingress: true, Host: "h", TLS: "own"}},
			existing + "exposure: {ingress: {enabled: true, host: h, tlsSecretName: own}}",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if len(c.o.Files) > 0 {
				c.o.Files[0] = write(t, "autoscaling: {enabled: false}")
			}
			checkValues(t, &c.o, c.want)
		})
	}
}

const digest = "sha256:0000000000000000000000000000000000000000000000000000000000000000"

func checkValues(t *testing.T, o *ValueOptions, want string) {
	t.Helper()
	chart, err := deploy.Chart()
	if err != nil {
		t.Fatal(err)
	}
	got, err := o.values(chart)
	if err != nil {
		t.Fatal(err)
	}
	var wanted map[string]any
	if err := yaml.Unmarshal([]byte(want), &wanted); err != nil {
		t.Fatal(err)
	}
	text, _ := yaml.Marshal(got)
	wantedText, _ := yaml.Marshal(wanted)
	if diff := cmp.Diff(string(wantedText), string(text)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	table(got, "flyte")["consoleURL"] = "https://flyte.company.com"
	if _, err := deploy.Render(deploy.Options{Namespace: "n", Values: got}); err != nil {
		t.Error(err)
	}
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "values.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestValues_OfClouds: the presets are those of the chart's examples.
func TestValues_OfClouds(t *testing.T) {
	const arn = "arn:aws:acm:eu-central-1:111122223333:certificate/00000000-0000-0000-0000-000000000000"
	for name, c := range map[string]struct{ example, tls string }{
		"AWS":    {"ingress-alb.yaml", "acm:" + arn},
		"Google": {"ingress-gke.yaml", "gke"},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile("../../../charts/workspace-flyte-integration/examples/" + c.example)
			if err != nil {
				t.Fatal(err)
			}
			var want map[string]any
			if err := yaml.Unmarshal(text, &want); err != nil {
				t.Fatal(err)
			}
			chart, err := deploy.Chart()
			if err != nil {
				t.Fatal(err)
			}
			o := ValueOptions{Replicas: -1, Exposure: Exposure{Ingress: true, Host: "workspace-flyte.company.com", TLS: c.tls}}
			got, err := o.values(chart)
			if err != nil {
				t.Fatal(err)
			}
			annotations := table(got, "exposure", "ingress", "annotations")
			wanted := table(want, "exposure", "ingress", "annotations")
			delete(wanted, "alb.ingress.kubernetes.io/load-balancer-attributes") // a choice, not a need
			if diff := cmp.Diff(wanted, annotations); diff != "" {
				t.Errorf("annotations (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(want["extraObjects"], got["extraObjects"]); diff != "" {
				t.Errorf("extraObjects (-want +got):\n%s", diff)
			}
		})
	}
}

// TestValues_Refuses: an error names the option, and repeats no secret.
func TestValues_Refuses(t *testing.T) {
	chart, err := deploy.Chart()
	if err != nil {
		t.Fatal(err)
	}
	for want, o := range map[string]ValueOptions{
		"--strategy must be rolling or recreate": {Strategy: "blue"},
		"--cpu must be an amount":                {CPU: "much"},
		"--memory must be an amount":             {Memory: "-1Gi"},
		"must be repository[:tag][@digest]":      {Image: ":1.2"},
		"give either --ingress or --gateway":     {Exposure: Exposure{Ingress: true, Gateway: "g"}},
		"--ingress needs --ingress-host":         {Exposure: Exposure{Ingress: true}},
		"--gateway needs --ingress-host":         {Exposure: Exposure{Gateway: "g"}},
		"need --ingress or --gateway":            {Exposure: Exposure{Host: "h"}},
		"configure TLS in the Gateway":           {Exposure: Exposure{Gateway: "g", Host: "h", TLS: "auto"}},
		"--gateway must be":                      {Exposure: Exposure{Gateway: "a/b/c/d", Host: "h"}},
		"--set webhook.secret":                   {Set: []string{"webhook.secret=whsec_c2VjcmV0"}},
		"--set a":                                {Set: []string{"a[whsec_c2VjcmV0"}},
		"reading the values":                     {Files: []string{"/no/file"}},
	} {
		o.Replicas = -1
		_, err := o.values(chart)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "whsec_") {
			t.Errorf("%+v: %v, want %q", o, err, want)
		}
	}
}
