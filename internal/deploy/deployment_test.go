package deploy_test

const (
	pod       = "Deployment … .spec.template.spec"
	container = pod + ".containers[0]"
)

var deploymentSuite = map[string]expectation{
	"default": {nil, expect{
		"Deployment … .spec.replicas":                         "", // the autoscaler's
		"Deployment … .spec.strategy":                         `{"rollingUpdate":{"maxSurge":1,"maxUnavailable":1},"type":"RollingUpdate"}`,
		pod + ".securityContext.runAsNonRoot":                 "true",
		pod + ".securityContext.seccompProfile":               `{"type":"RuntimeDefault"}`,
		pod + ".automountServiceAccountToken":                 "true",
		pod + ".topologySpreadConstraints[*].topologyKey":     "topology.kubernetes.io/zone kubernetes.io/hostname",
		pod + ".priorityClassName":                            "",
		container + ".securityContext.readOnlyRootFilesystem": "true",
		container + ".securityContext.capabilities":           `{"drop":["ALL"]}`,
		container + ".startupProbe.httpGet.path":              "/livez",
		container + ".livenessProbe.httpGet.path":             "/livez",
		container + ".readinessProbe.httpGet.path":            "/readyz",
		container + ".readinessProbe.httpGet.scheme":          "HTTP",
		container + ".lifecycle.preStop":                      `{"sleep":{"seconds":5}}`,
		container + ".image":                                  fullName + ":0.2.0",
	}, ""},
	"replicas without the autoscaler": {
		set{"autoscaling.enabled": false, "replicas": 5}, expect{"Deployment … .spec.replicas": "5"}, "",
	},
	// A pod that is killed before its time would cut requests off.
	"grace follows the timeouts":     {nil, expect{pod + ".terminationGracePeriodSeconds": "40"}, ""},
	"grace follows a longer timeout": {set{"webhook.provisionTimeout": "1m30s"}, expect{pod + ".terminationGracePeriodSeconds": "105"}, ""},
	"grace is rounded up":            {set{"webhook.provisionTimeout": "1500ms"}, expect{pod + ".terminationGracePeriodSeconds": "17"}, ""},
	"grace follows preStop":          {set{"preStopSeconds": 15}, expect{pod + ".terminationGracePeriodSeconds": "50"}, ""},
	"image by digest": {
		set{"image.digest": "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "image.tag": "v9"},
		expect{container + ".image": fullName + "@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"},
		"",
	},
	"scheduling": {set{
		"priorityClassName": "high", "nodeSelector": map[string]any{"pool": "platform"}, "topologySpread": []any{},
		"tolerations": []any{map[string]any{"key": "platform"}}, "affinity": map[string]any{"nodeAffinity": map[string]any{}},
	}, expect{
		pod + ".priorityClassName": "high", pod + ".nodeSelector": `{"pool":"platform"}`, pod + ".tolerations": `[{"key":"platform"}]`,
		pod + ".affinity": `{"nodeAffinity":{}}`, pod + ".topologySpreadConstraints": "",
	}, ""},
	"labels, annotations and variables": {set{
		"podLabels": map[string]any{"a": "b"}, "podAnnotations": map[string]any{"c": "d"},
		"extraEnv": []any{map[string]any{"name": "OTEL_SERVICE_NAME", "value": "x"}},
	}, expect{
		"Deployment … .spec.template.metadata.labels.a": "b", "Deployment … .spec.template.metadata.annotations.c": "d",
		container + ".env[*].name": "POD_NAME POD_NAMESPACE OTEL_SERVICE_NAME",
	}, ""},
	"what a platform adds": {set{
		"commonLabels": map[string]any{"team": "data"}, "deploymentAnnotations": map[string]any{"owner": "ana"}, "revisionHistoryLimit": 2,
		"strategy": map[string]any{"type": "Recreate", "rollingUpdate": nil}, "dnsConfig": map[string]any{"nameservers": []any{"10.0.0.10"}},
		"hostAliases":       []any{map[string]any{"ip": "10.0.0.1", "hostnames": []any{"flyte"}}},
		"extraVolumes":      []any{map[string]any{"name": "ca", "configMap": map[string]any{"name": "ca"}}},
		"extraVolumeMounts": []any{map[string]any{"name": "ca", "mountPath": "/etc/ca"}},
		"initContainers":    []any{map[string]any{"name": "wait", "image": "busybox"}},
		"extraContainers":   []any{map[string]any{"name": "proxy", "image": "envoy"}},
	}, expect{
		"Deployment … .metadata.labels.team": "data", "Deployment … .spec.template.metadata.labels.team": "data",
		"ConfigMap … .metadata.labels.team": "data", "Deployment … .spec.selector.matchLabels.team": "",
		"Deployment … .metadata.annotations.owner": "ana", "Deployment … .spec.revisionHistoryLimit": "2",
		"Deployment … .spec.strategy": `{"type":"Recreate"}`, pod + ".dnsConfig.nameservers[*]": "10.0.0.10",
		pod + ".hostAliases[*].ip":                       "10.0.0.1",
		pod + `.volumes[?(@.name=="ca")].configMap.name`: "ca", container + `.volumeMounts[?(@.name=="ca")].mountPath`: "/etc/ca",
		pod + ".initContainers[*].name": "wait", pod + ".containers[*].name": "integration proxy",
	}, ""},
	"a parent chart's registry": {set{
		"global": map[string]any{
			"imageRegistry": "registry.company.com", "imagePullSecrets": []any{"pull", map[string]any{"name": "more"}},
		},
		"image.registry": "elsewhere", "imagePullSecrets": []any{map[string]any{"name": "own"}}, "enabled": true,
	}, expect{
		container + ".image": "registry.company.com/" + fullName + ":0.2.0", pod + ".imagePullSecrets[*].name": "pull more own",
	}, ""},
	"OpenShift's user ids": {set{"apiVersions": []string{"security.openshift.io/v1"}}, expect{
		pod + ".securityContext.runAsUser": "", pod + ".securityContext.fsGroup": "", pod + ".securityContext.runAsNonRoot": "true",
		container + ".securityContext.runAsUser": "", container + ".securityContext.readOnlyRootFilesystem": "true",
	}, ""},
	"TLS in the service": {set{"tls.existingSecret": "cert"}, expect{
		container + ".livenessProbe.httpGet.scheme": "HTTPS", container + ".startupProbe.httpGet.scheme": "HTTPS",
		container + ".readinessProbe.httpGet.scheme":           "HTTPS",
		pod + ".volumes[?(@.name==\"tls\")].secret.secretName": "cert",
		"Service … .spec.ports[*].appProtocol":                 "https",
	}, ""},
	"no probes": {set{"probes.enabled": false}, expect{
		container + ".livenessProbe": "", container + ".readinessProbe": "", container + ".startupProbe": "",
	}, ""},
	"a mode that is none": {set{"install": "some"}, nil, "/install"},
	"the service alone": {set{"install": "service", "kubeconfig.existingSecret": "flyte-cluster", "kubeconfig.key": "config"}, expect{
		pod + ".automountServiceAccountToken":                      "false",
		pod + ".volumes[?(@.name==\"kubeconfig\")].secret.items":   `[{"key":"config","path":"kubeconfig"}]`,
		"ConfigMap … .data.KUBECONFIG":                             "/etc/workspace-flyte-integration/cluster/kubeconfig",
		"CustomResourceDefinition workspaces.platform.company.com": absent,
		"ClusterRole …":          absent,
		"WorkspaceTier standard": absent,
	}, ""},
	"the service without a way to Flyte's cluster": {set{"install": "service"}, nil, "set both or none"},
	"a way to another cluster, and rights in this": {set{"kubeconfig.existingSecret": "k"}, nil, "set both or none"},
	"the target alone": {set{"install": "target", "flyte.consoleURL": "", "webhook.existingSecret": ""}, expect{
		"Deployment …": absent, "Service …": absent, "ConfigMap …": absent, "NetworkPolicy …": absent, "PodDisruptionBudget …": absent,
		"HorizontalPodAutoscaler …": absent, "ServiceAccount … .kind": "ServiceAccount", "ClusterRole … .kind": "ClusterRole",
		"CustomResourceDefinition workspaces.platform.company.com .kind": "CustomResourceDefinition",
		"WorkspaceTier standard .kind":                                   "WorkspaceTier",
	}, ""},
}
