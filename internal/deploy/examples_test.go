package deploy_test

import (
	"io/fs"
	"path"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"platform.company.com/workspace-flyte-integration/charts"
)

const annotation = "Ingress … .metadata.annotations."

// examples are the documented values files, and what each must render.
var examples = map[string]expect{
	"same-cluster": {
		container + ".image":                   "company-registry.com/workspace-flyte-integration:0.2.0",
		"ConfigMap … .data.NAMESPACE_TEMPLATE": "{prefix}{project}-{domain}", "ClusterRole … .kind": "ClusterRole", "Ingress …": absent,
	},
	"separate-cluster-target": {
		"Deployment …": absent, "ServiceAccount … .kind": "ServiceAccount", "ClusterRole … .kind": "ClusterRole",
		"CustomResourceDefinition workspaces.platform.company.com .kind": "CustomResourceDefinition",
		"WorkspaceTier standard .kind":                                   "WorkspaceTier",
	},
	"separate-cluster-service": {
		"ClusterRole …": absent, "CustomResourceDefinition workspaces.platform.company.com": absent, "WorkspaceTier standard": absent,
		"ConfigMap … .data.FLYTE_ADMIN_TLS_ENABLED": "true", "ConfigMap … .data.FLYTE_ADMIN_ENDPOINT": "flyte-admin.flyte-eks.company.com:443",
		pod + `.volumes[?(@.name=="kubeconfig")].secret.secretName`: "flyte-cluster",
	},
	"company-platform-cluster": {
		"ClusterRole …": absent, "ServiceMonitor … .kind": "ServiceMonitor", pod + ".priorityClassName": "platform-services",
		"ExternalSecret workspace-integration-secrets .spec.target.name":                                       "workspace-integration-secrets",
		pod + `.volumes[?(@.name=="webhook")].secret.secretName`:                                               "workspace-integration-secrets",
		`NetworkPolicy … .spec.ingress[0].from[0].namespaceSelector.matchLabels.kubernetes\.io/metadata\.name`: "workspace-service",
	},
	"k3s": {
		"Deployment … .spec.replicas": "1", "HorizontalPodAutoscaler …": absent, "PodDisruptionBudget …": absent,
		container + ".imagePullPolicy": "IfNotPresent", "IngressRoute … .spec.tls.secretName": "workspace-flyte-tls",
	},
	"minikube": {
		"Deployment … .spec.replicas": "1", "Secret … .kind": "Secret", "ConfigMap … .data.FLYTE_NAMESPACE": "flyte",
		"Ingress …": absent,
	},
	"gateway-api": {
		"HTTPRoute … .spec.parentRefs[0].sectionName": "https",
		"ConfigMap … .data.TRUSTED_PROXIES":           "10.0.0.0/8",
		"ConfigMap … .data.IDLE_TIMEOUT":              "65m",
	},
	"ingress": {"Ingress … .spec.tls[0].secretName": "workspace-flyte-tls", "Ingress … .metadata.annotations": ""},
	"ingress-cert-manager": {
		annotation + `cert-manager\.io/cluster-issuer`: "letsencrypt-prod", "Ingress … .spec.tls[0].secretName": "workspace-flyte-tls",
	},
	"ingress-nginx-internal": {
		annotation + `nginx\.ingress\.kubernetes\.io/whitelist-source-range`: "10.0.0.0/8", "Ingress … .spec.ingressClassName": "nginx",
		ingressPaths + ".path": "/webhooks/workspace /provision",
	},
	"ingress-alb": {
		annotation + `alb\.ingress\.kubernetes\.io/scheme`: "internal", annotation + `alb\.ingress\.kubernetes\.io/ssl-redirect`: "443",
		annotation + `alb\.ingress\.kubernetes\.io/target-type`: "ip", "Ingress … .spec.tls": "", pod + ".terminationGracePeriodSeconds": "50",
	},
	"ingress-gke": {
		annotation + `kubernetes\.io/ingress\.class`: "gce", "Ingress … .spec.ingressClassName": "",
		annotation + `networking\.gke\.io/managed-certificates`: fullName, "ManagedCertificate … .spec.domains[*]": "workspace-flyte.company.com",
		`Service … .metadata.annotations.cloud\.google\.com/neg`: `{"ingress": true}`, "ConfigMap … .data.IDLE_TIMEOUT": "620s",
	},
	"ingressroute-traefik": {
		"IngressRoute … .spec.routes[0].middlewares[0].name": "internal-only",
		"Middleware internal-only .kind":                     "Middleware",
	},
	"tls-in-the-service": {
		"Service … .spec.type":           "LoadBalancer",
		"ConfigMap … .data.TLS_KEY_FILE": "/etc/workspace-flyte-integration/tls/tls.key",
	},
	"fly-kubernetes": {
		"Service … .spec.type": "LoadBalancer", `Service … .metadata.annotations.service\.fly\.io/443-handlers`: "tls,http",
		"HorizontalPodAutoscaler …": absent, "PodDisruptionBudget …": absent, "NetworkPolicy …": absent, container + ".livenessProbe": "",
		"ConfigMap … .data.LISTEN_ADDRESS": ":8080", // every family
	},
}

func TestExamples(t *testing.T) {
	files, err := charts.WorkspaceFlyteIntegration()
	if err != nil {
		t.Fatal(err)
	}
	found, err := fs.Glob(files, "examples/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != len(examples) {
		t.Errorf("there are %d examples, and %d are tested", len(found), len(examples))
	}
	for _, file := range found {
		name := strings.TrimSuffix(path.Base(file), ".yaml")
		t.Run(name, func(t *testing.T) {
			if len(examples[name]) == 0 {
				t.Fatal("it is not tested")
			}
			var values map[string]any
			if err := yaml.UnmarshalStrict(chartFile(t, file), &values); err != nil {
				t.Fatal(err)
			}
			expectation{want: examples[name]}.check(t, values)
		})
	}
}
