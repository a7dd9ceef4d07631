package deploy_test

import (
	"io/fs"
	"path"
	"strings"
	"testing"

	"platform.company.com/workspace-flyte-integration/charts"
)

// suites say, for each template, what its values do. Whole renderings are in the golden files.
var suites = map[string]map[string]expectation{
	"autoscaler.yaml": {
		"three to six replicas": {nil, expect{
			"HorizontalPodAutoscaler … .spec.minReplicas":         "3",
			"HorizontalPodAutoscaler … .spec.maxReplicas":         "6",
			"HorizontalPodAutoscaler … .spec.scaleTargetRef.name": fullName,
		}, ""},
		"off": {set{"autoscaling.enabled": false}, expect{"HorizontalPodAutoscaler …": absent}, ""},
	},
	"configmap.yaml": {
		"settings": {
			set{"clusterName": "east"},
			expect{"ConfigMap … .data.CLUSTER_NAME": "east", "ConfigMap … .data.KUBECONFIG": ""},
			"",
		},
		"TLS": {
			set{"tls.existingSecret": "tls"},
			expect{"ConfigMap … .data.TLS_CERT_FILE": "/etc/workspace-flyte-integration/tls/tls.crt"},
			"",
		},
		"the roll-out": {set{"page.rollout": true}, expect{"ConfigMap … .data.PAGE_ROLLOUT": fullName}, ""},
		"the roll-out in another cluster": {set{
			"page.rollout": true, "install": "service", "kubeconfig.existingSecret": "k",
		}, nil, "page.rollout needs the service in the cluster of the workspaces"},
		"no console URL": {set{"flyte.consoleURL": ""}, nil, "flyte.consoleURL is required"},
	},
	"deployment.yaml": deploymentSuite,
	"disruptionbudget.yaml": {
		"one at a time": {nil, expect{
			"PodDisruptionBudget … .spec.maxUnavailable": "1", "PodDisruptionBudget … .spec.unhealthyPodEvictionPolicy": "AlwaysAllow",
		}, ""},
		"off":  {set{"podDisruptionBudget.enabled": false}, expect{"PodDisruptionBudget …": absent}, ""},
		"none": {set{"podDisruptionBudget.maxUnavailable": 0}, nil, "maxUnavailable"},
	},
	"extra.yaml": {
		"a template": {set{"extraObjects": []any{map[string]any{
			"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "{{ .Release.Name }}-more"},
		}}}, expect{"ConfigMap …-more .apiVersion": "v1"}, ""},
		"no object": {set{"extraObjects": []any{map[string]any{"kind": "ConfigMap"}}}, nil, "extraObjects"},
	},
	"httproute.yaml":    httpRouteSuite,
	"ingress.yaml":      ingressSuite,
	"ingressroute.yaml": ingressRouteSuite,
	"network-probe.yaml": {
		"off": {nil, expect{"Deployment …-network-probe": absent, "ConfigMap … .data.NETWORK_PROBE_ADDRESS": ""}, ""},
		"on": {set{"networkPolicy.probe": true}, expect{
			"Deployment …-network-probe .spec.template.spec.containers[0].args[*]": "--network-probe :8080",
			"NetworkPolicy …-network-probe .spec.policyTypes[*]":                   "Ingress Egress",
			"NetworkPolicy …-network-probe .spec.ingress":                          "",
			"Service …-network-probe .spec.clusterIP":                              "None",
			"ConfigMap … .data.NETWORK_PROBE_ADDRESS":                              fullName + "-network-probe.platform-services.svc:8080",
		}, ""},
		"in another cluster": {
			set{"networkPolicy.probe": true, "install": "service", "kubeconfig.existingSecret": "k"}, nil, "networkPolicy.probe needs install=all",
		},
	},
	"networkpolicy.yaml": {
		"default": {nil, expect{
			"NetworkPolicy … .spec.policyTypes[*]":                                     "Ingress Egress",
			"NetworkPolicy … .spec.ingress[0].from":                                    "",
			"NetworkPolicy … .spec.egress[1].ports[*].port":                            "443 6443 8443",
			"NetworkPolicy … .spec.egress[2].to[0].namespaceSelector.matchLabels":      `{"kubernetes.io/metadata.name":"flyte-system"}`,
			"NetworkPolicy … .spec.ingress[1].ports[0].port":                           "metrics",
			"NetworkPolicy … .spec.podSelector.matchLabels.app\\.kubernetes\\.io/name": fullName,
		}, ""},
		"Flyte elsewhere, on a port of its own": {
			set{"flyte.admin.endpoint": "flyte.company.com:9443"},
			expect{"NetworkPolicy … .spec.egress[1].ports[*].port": "443 6443 8443 9443"},
			"",
		},
		"Flyte elsewhere, on a port of the API server": {
			set{"flyte.admin.endpoint": "flyte.company.com:8443"},
			expect{"NetworkPolicy … .spec.egress[1].ports[*].port": "443 6443 8443"},
			"",
		},
		"peers": {set{
			"networkPolicy.ingressFrom": []any{map[string]any{"podSelector": map[string]any{}}},
			"networkPolicy.extraEgress": []any{map[string]any{"ports": []any{map[string]any{"port": 4317}}}},
		}, expect{
			"NetworkPolicy … .spec.ingress[0].from[0]": `{"podSelector":{}}`, "NetworkPolicy … .spec.egress[3].ports[0].port": "4317",
			`NetworkPolicy … .spec.ingress[0].from[1].podSelector.matchLabels.app\.kubernetes\.io/name`: fullName + "-test",
		}, ""},
		"the API server's port": {
			set{"networkPolicy.apiServerPorts": []any{16443}}, expect{"NetworkPolicy … .spec.egress[1].ports[*].port": "443 16443"}, "",
		},
		"metrics for nobody": {set{"networkPolicy.metricsFrom": []any{}}, nil, "metricsFrom"},
		"off":                {set{"networkPolicy.enabled": false}, expect{"NetworkPolicy …": absent}, ""},
	},
	"pull-secrets.yaml": {
		"off": {nil, expect{"ClusterRole …-pull-secrets": absent, "ConfigMap … .data.PULL_SECRETS_NAMESPACE": ""}, ""},
		"on": {set{"pullSecrets.namespace": "pulls"}, expect{
			"ConfigMap … .data.PULL_SECRETS_NAMESPACE":              "pulls",
			"ClusterRole …-pull-secrets .rules[0].resourceNames[*]": "workspace-pull-secret",
			"ClusterRole …-pull-secrets .rules[1].verbs[*]":         "create",
			"Role …-pull-secrets .metadata.namespace":               "pulls",
			"Role …-pull-secrets .rules[*].verbs[*]":                "get list watch",
		}, ""},
		"elsewhere": {
			set{"pullSecrets.namespace": "pulls", "install": "service", "kubeconfig.existingSecret": "k"},
			expect{"ClusterRole …-pull-secrets": absent},
			"",
		},
		"no name": {set{"pullSecrets.namespace": "Pulls"}, nil, "/pullSecrets/namespace"},
	},
	"queue-policy.yaml": {
		"off": {nil, expect{
			"ValidatingAdmissionPolicy …-queued-pods": absent, "ClusterRole …-queues": absent, "ConfigMap … .data.QUEUES_ENABLED": "",
			"ValidatingAdmissionPolicy …-queues": absent,
		}, ""},
		"on": {set{"queues.enabled": true, "queues.names": []any{"default", "urgent"}}, expect{
			"ConfigMap … .data.QUEUES_ENABLED":                                "true",
			"ClusterRole …-queues .rules[0].verbs[*]":                         "get list watch create patch delete",
			"ClusterRole …-queues .rules[1].verbs[*]":                         "get",
			"ValidatingAdmissionPolicy …-queued-jobs .spec.failurePolicy":     "Fail",
			"ValidatingAdmissionPolicyBinding …-queued-pods .spec.policyName": fullName + "-queued-pods",
			"ValidatingAdmissionPolicy …-queued-pods .spec.validations[0].message": "Pods in this workspace name no queue but default, urgent " +
				"in the label kueue.x-k8s.io/queue-name",
		}, ""},
		"members unbounded": {
			set{"queues.enabled": true, "policies.tenants.enabled": false}, nil, "queues.enabled needs policies.tenants.enabled",
		},
		"members warned": {
			set{"queues.enabled": true, "policies.actions": []any{"Warn", "Audit"}}, nil, "queues.enabled needs Deny in policies.actions",
		},
		"elsewhere": {set{"queues.enabled": true, "install": "service", "kubeconfig.existingSecret": "k"}, expect{
			"ConfigMap … .data.QUEUES_ENABLED": "true", "ClusterRole …-queues": absent, "ValidatingAdmissionPolicy …-queued-pods": absent,
		}, ""},
		"without default": {set{"queues.enabled": true, "queues.names": []any{"urgent"}}, nil, "/queues/names"},
	},
	"rbac.yaml": {
		"the account": {set{"serviceAccount.name": "robot"}, expect{
			"ClusterRoleBinding … .subjects[*].name": "robot", "RoleBinding … .subjects[*].namespace": namespace,
			"Role … .rules[*].resources[*]": "leases leases",
		}, ""},
		"of another": {set{"rbac.create": false}, expect{
			"ClusterRole …": absent, "Role …": absent, "ClusterRole …-tenant-viewer .kind": "ClusterRole",
		}, ""},
		"the roll-out": {set{"page.rollout": true}, expect{
			"Role … .rules[*].resources[*]": "leases leases deployments replicasets pods", "Role … .rules[2].resourceNames[*]": fullName,
		}, ""},
		"another namespace": {set{"namespaceOverride": "flyte-services"}, expect{
			"RoleBinding … .subjects[*].namespace": "flyte-services", "Deployment … .metadata.namespace": "flyte-services",
		}, ""},
		"elsewhere": {set{"install": "service", "kubeconfig.existingSecret": "k"}, expect{
			"ClusterRole …": absent, "ClusterRoleBinding …": absent, "Role …": absent, "RoleBinding …": absent,
		}, ""},
	},
	"secret.yaml": {
		"another's": {nil, expect{"Secret …": absent}, ""},
		"own": {
			set{"webhook.existingSecret": "", "webhook.secret": "whsec_eA=="},
			expect{"Secret … .stringData.webhook-secret": "whsec_eA=="},
			"",
		},
	},
	"service-policy.yaml": servicePolicySuite,
	"tier-objects.yaml":   tierObjectSuite,
	"tenant-policy.yaml":  tenantPolicySuite,
	"dashboard.yaml": {
		"off": {nil, expect{"ConfigMap …-dashboard": absent}, ""},
		"on": {set{"dashboard.enabled": true}, expect{
			"ConfigMap …-dashboard .metadata.labels.grafana_dashboard": "1",
		}, ""},
	},
	"prometheusrule.yaml": {
		"off": {nil, expect{"PrometheusRule …": absent}, ""},
		"on": {set{
			"prometheusRule.enabled": true, "prometheusRule.labels": map[string]any{"release": "prometheus"},
			"prometheusRule.additional": []any{map[string]any{"alert": "Own", "expr": "vector(1)"}},
		}, expect{
			"PrometheusRule … .metadata.labels.release":        "prometheus",
			"PrometheusRule … .spec.groups[0].rules[0].alert":  "WorkspaceFlyteAbsent",
			"PrometheusRule … .spec.groups[0].rules[-1].alert": "Own",
		}, ""},
	},
	"service.yaml": {
		"inside": {nil, expect{
			"Service … .spec.type": "ClusterIP", "Service … .spec.ports[*].port": "80", "Service … .spec.ports[*].targetPort": "http",
			"Service …-metrics .spec.clusterIP": "None", "Service …-metrics .spec.ports[*].port": "9090",
		}, ""},
		"load balancer": {
			set{
				"service.type": "LoadBalancer", "exposure.api": true, "service.loadBalancerSourceRanges": []any{"10.0.0.0/8"},
				"service.loadBalancerClass": "nlb",
			},
			expect{
				"Service … .spec.loadBalancerSourceRanges[*]": "10.0.0.0/8", "Service … .spec.loadBalancerClass": "nlb",
				"Service …-metrics .spec.type": "",
			},
			"",
		},
		"load balancer by mistake": {set{"service.type": "LoadBalancer"}, nil, "set exposure.api to allow that"},
		"node port by mistake":     {set{"service.type": "NodePort"}, nil, "set exposure.api to allow that"},
		"two families": {
			set{"service.ipFamilyPolicy": "PreferDualStack"},
			expect{"Service … .spec.ipFamilyPolicy": "PreferDualStack"},
			"",
		},
	},
	"serviceaccount.yaml": {
		"of another": {set{"serviceAccount.create": false, "serviceAccount.name": "robot"}, expect{
			"ServiceAccount …": absent, "ServiceAccount robot": absent, "Deployment … .spec.template.spec.serviceAccountName": "robot",
		}, ""},
		"annotated": {set{"serviceAccount.annotations": map[string]any{"a": "b"}}, expect{
			"ServiceAccount … .metadata.annotations.a": "b", "ServiceAccount … .automountServiceAccountToken": "false",
		}, ""},
	},
	"checks.yaml": {
		"an account that nobody creates": {set{"serviceAccount.create": false}, nil, "serviceAccount.name must name an existing account"},
	},
	"servicemonitor.yaml": {
		"scraped in time": {set{
			"serviceMonitor.enabled": true, "serviceMonitor.scrapeTimeout": "5s",
			"serviceMonitor.relabelings": []any{map[string]any{"targetLabel": "cluster", "replacement": "east"}},
		}, expect{
			"ServiceMonitor … .spec.endpoints[0].scrapeTimeout": "5s", "ServiceMonitor … .spec.endpoints[0].relabelings[0].targetLabel": "cluster",
		}, ""},
		"off": {nil, expect{"ServiceMonitor …": absent}, ""},
		"on": {set{"serviceMonitor.enabled": true, "serviceMonitor.labels": map[string]any{"release": "prometheus"}}, expect{
			"ServiceMonitor … .spec.endpoints[*].port": "metrics", "ServiceMonitor … .metadata.labels.release": "prometheus",
			"ServiceMonitor … .spec.selector.matchLabels.app\\.kubernetes\\.io/component": "metrics",
		}, ""},
	},
	"tenant-roles.yaml": {
		"fixed names": {set{"fullnameOverride": "other"}, expect{"ClusterRole …-tenant-viewer .kind": "ClusterRole"}, ""},
		"elsewhere":   {set{"install": "service", "kubeconfig.existingSecret": "k"}, expect{"ClusterRole …-tenant-viewer": absent}, ""},
	},
	"tier-in-use.yaml": {
		"every workspace is looked at": {nil, expect{
			"ValidatingAdmissionPolicy …-tier-in-use .spec.paramKind.kind":           "Workspace",
			"ValidatingAdmissionPolicyBinding …-tier-in-use .spec.paramRef.selector": "{}",
			"ValidatingAdmissionPolicyBinding …-tier-in-use .spec.policyName":        fullName + "-tier-in-use",
		}, ""},
		"elsewhere": {set{"install": "service", "kubeconfig.existingSecret": "k"}, expect{"ValidatingAdmissionPolicy …-tier-in-use": absent}, ""},
	},
	"workload-roles.yaml": {
		"fixed names": {set{"fullnameOverride": "other"}, expect{
			"ClusterRole …-workload-spark .kind": "ClusterRole", "ClusterRole …-workload-dask .kind": "ClusterRole",
			"ClusterRole …-workload-ray .rules[*].verbs[*]": "get list watch patch get patch",
		}, ""},
		"elsewhere": {set{"install": "service", "kubeconfig.existingSecret": "k"}, expect{"ClusterRole …-workload-spark": absent}, ""},
	},
	"tiers.yaml": {
		"kept": {nil, expect{
			`WorkspaceTier standard .metadata.annotations`: `{"helm.sh/resource-policy":"keep"}`, "WorkspaceTier small .kind": "WorkspaceTier",
		}, ""},
		"left out": {set{"tiers.small": nil}, expect{"WorkspaceTier small": absent, "WorkspaceTier large .kind": "WorkspaceTier"}, ""},
	},
}

// elsewhere are templates whose tests are elsewhere: hooks belong to no installation.
var elsewhere = map[string]string{"crd-upgrade.yaml": "TestRender_UpgradesCRDs", "test.yaml": "TestRelease"}

func TestTemplates(t *testing.T) {
	files, err := charts.WorkspaceFlyteIntegration()
	if err != nil {
		t.Fatal(err)
	}
	templates, err := fs.Glob(files, "templates/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, template := range templates {
		name := path.Base(template)
		if len(suites[name]) == 0 && elsewhere[name] == "" {
			t.Errorf("%s has no suite", name)
		}
		for what, e := range suites[name] {
			t.Run(strings.TrimSuffix(name, ".yaml")+"/"+what, func(t *testing.T) { e.check(t, ciValues(t, "default")) })
		}
	}
}
