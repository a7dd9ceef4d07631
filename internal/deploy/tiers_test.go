package deploy_test

import (
	"context"
	"maps"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

// spec is a spec of YAML.
func spec(t *testing.T, text string) map[string]any {
	t.Helper()
	var parsed map[string]any
	if err := yaml.UnmarshalStrict([]byte(text), &parsed); err != nil {
		t.Fatal(err)
	}
	return parsed
}

// wholeTier has every field.
const wholeTier = `
allowedWorkspaces: [fraud-*, ws-001]
quota:
  default: &default
    cpu: "40"
    memory: 160Gi
    gpu: "4"
    storage: 1Ti
    pods: "200"
    services: "50"
    persistentVolumeClaims: "100"
    extra: &extra
      count/configmaps: "100"
      count/deployments.apps: "10"
      secrets: "10"
      limits.ephemeral-storage: 1Ti
      requests.nvidia.com/mig-1g.5gb: "2"
      gold.storageclass.storage.k8s.io/requests.storage: 500Gi
      gpus.deviceclass.resource.k8s.io/devices: "3"
      requests.hugepages-2Mi: 1Gi
  maximum: &maximum
    cpu: 80000m
    memory: 160Gi
    gpu: "8"
    storage: 2Ti
    pods: "400"
    services: "50"
    persistentVolumeClaims: "100"
    extra: *extra
  priorityClasses: &classes
    high: {cpu: "4", memory: 16Gi, gpu: "1", pods: "10"}
    very.low: {cpu: "4", memory: 16Gi, gpu: "1", pods: "0"}
quotaScope: namespace
denyOtherDevices: true
domains:
  development: {quota: {default: *default, maximum: *maximum, priorityClasses: *classes}}
gpuResource: amd.com/gpu
limitRange:
  min: {cpu: 10m, memory: 16Mi, ephemeralStorage: 1Mi}
  defaultRequest: {cpu: 250m, memory: 512Mi, ephemeralStorage: 1Gi}
  default: {cpu: "1", memory: 2Gi, ephemeralStorage: 2Gi}
  max: {cpu: "16", memory: 64Gi, ephemeralStorage: 50Gi}
  maxLimitRequestRatio: {cpu: "4", memory: "4", ephemeralStorage: "4"}
podSecurity: {enforce: restricted, warn: restricted, audit: restricted}
namespace:
  labels: {company.com/tier: large, cost-center: ""}
  annotations: {company.com/owner: "{workspace} in {domain}, {namespace}"}
  workspaceLabels: [cost-center, company.com/unit]
serviceAccount:
  annotations: {eks.amazonaws.com/role-arn: "arn:aws:iam::123456789012:role/{workspace}-{domain}"}
network:
  metadataServer: true
  eksPodIdentity: true
  kubeAPI: [10.0.0.0/24, fd00::/64]
  privateEndpoints: [10.1.0.0/16]
  egress:
    - {cidr: 10.2.0.0/16, except: [10.2.3.0/24], ports: [{port: 5432}, {protocol: UDP, port: 8000, endPort: 8010}]}
    - {cidr: 169.254.0.0/16, except: [169.254.169.254/32]}
  namespaces: [{namespace: databases, podLabels: {app.kubernetes.io/name: postgresql}, ports: [{port: 5432}]}]
  scrapers: [{namespace: monitoring, podLabels: {app.kubernetes.io/name: prometheus}, ports: [{port: 9090}]}]
workload:
  role: spark
  imagePullSecrets: [registry.company.com]
  podTemplate:
    labels: {company.com/team: fraud}
    annotations: {Company.com/note: "any text {}"}
    nodeSelector: {cloud.company.com/pool: batch}
    tolerations:
      - {key: nvidia.com/gpu, operator: Exists, effect: NoSchedule}
      - {key: pool, value: batch, effect: NoExecute, tolerationSeconds: 60}
      - {operator: Exists}
    priorityClassName: batch.low
    runtimeClassName: gvisor
    schedulerName: batch-scheduler
    restricted: true
    runAsUser: 1000
    fsGroup: 1000
objects:
  - apiVersion: v1
    kind: ConfigMap
    metadata:
      name: "{workspace}-plugin"
      namespace: "{namespace}"
      labels: {team: "{labels.team}"}
      annotations: {company.com/of: "{tier}"}
    data: {a: b}
  - {apiVersion: external-secrets.io/v1, kind: ExternalSecret, metadata: {name: x}, spec: {data: [{remoteRef: {key: "{project}"}}]}}
flyte:
  execution: &execution {rawOutputPrefix: "s3://bucket/{project}/{domain}", maxParallelism: 10}
  taskResources: &taskResources
    defaults: {cpu: 500m, memory: 1Gi, gpu: "1", ephemeralStorage: 1Gi}
    limits: {cpu: "8", memory: 32Gi, gpu: "2", ephemeralStorage: 10Gi}
  clusterResources: &clusterResources {projectQuotaCpu: "{cpu}"}
  domains: {production: {execution: *execution, taskResources: *taskResources, clusterResources: *clusterResources}}
`

func TestWorkspaceTierCRD_Takes(t *testing.T) {
	for name, text := range map[string]string{
		"nothing": "{}", "everything": wholeTier, "a ratio alone": "limitRange: {maxLimitRequestRatio: {cpu: '2'}}",
		"one bound of two": "limitRange: {min: {cpu: '2'}, max: {memory: 1Gi}}",
		"a shared quota":   "{quotaScope: workspace, quota: {default: {cpu: '8'}}, domains: {production: {share: 2}, staging: {share: 0}}}",
		"another operator": "{workload: {role: ray}, network: {rayOperator: {namespace: ray-system, podLabels: {app: ray}}}}",
		"one of each":      "quota: {default: {cpu: '80'}, maximum: {memory: 1Gi}}",
	} {
		t.Run(name, func(t *testing.T) {
			if err := tryCreate(t, "WorkspaceTier", "tier", spec(t, text)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestWorkspaceTierCRD_DefaultsPodSecurity(t *testing.T) {
	object := tierObject("without-levels", map[string]any{})
	if err := clientFor(t, installed(t)).Create(t.Context(), object, client.DryRunAll); err != nil {
		t.Fatal(err)
	}
	levels, _, _ := unstructured.NestedStringMap(object.Object, "spec", "podSecurity")
	want := map[string]string{"enforce": "baseline", "warn": "restricted", "audit": "restricted"}
	if !maps.Equal(levels, want) {
		t.Errorf("the levels are %v", levels)
	}
}

// wrong is a spec, and the expected error of the API server.
type wrong struct{ text, want string }

func TestWorkspaceTierCRD_Refuses(t *testing.T) {
	all := map[string]wrong{
		"an unquoted number": {"quota: {default: {cpu: 8}}", "spec.quota.default.cpu"},
		"an exponent":        {"quota: {maximum: {memory: '1e30'}}", "spec.quota.maximum.memory"},
		"half a GPU":         {"quota: {default: {gpu: '0.5'}}", "spec.quota.default.gpu"},
		"half a service":     {"quota: {maximum: {services: 500m}}", "spec.quota.maximum.services"},
		"a resource":         {"gpuResource: gpu", "spec.gpuResource"},
		"an unknown field":   {"domains: {production: {limitRange: {}}}", `unknown field "spec.domains.production.limitRange"`},
		"a domain's name":    {"domains: {Production: {}}", "a domain is named by a DNS label"},
		"a domain's amount":  {"domains: {production: {quota: {maximum: {cpu: '1e9'}}}}", "spec.domains.production.quota.maximum.cpu"},
		"a domain's default": {
			"domains: {d: {quota: {default: {pods: '2'}, maximum: {pods: '1'}}}}",
			"default.pods must not be above maximum.pods",
		},
		"a limit":              {"limitRange: {max: {cpu: '-1'}}", "spec.limitRange.max.cpu"},
		"a security level":     {"podSecurity: {enforce: none}", "spec.podSecurity.enforce"},
		"a pattern":            {"allowedWorkspaces: ['[a-z]']", "spec.allowedWorkspaces[0]"},
		"a pattern's capitals": {"allowedWorkspaces: [Fraud-*]", "spec.allowedWorkspaces[0]"},
		"an empty pattern":     {"allowedWorkspaces: ['']", "spec.allowedWorkspaces[0]"},
		"a ratio below 1":      {"limitRange: {maxLimitRequestRatio: {cpu: 900m}}", "a ratio is 1 or more"},
		"a ratio nobody meets": {
			"limitRange: {min: {cpu: '1'}, max: {cpu: '2'}, maxLimitRequestRatio: {cpu: '3'}}",
			"maxLimitRequestRatio.cpu must not be above max.cpu divided by min.cpu",
		},
		"defaults over ratio": {
			"limitRange: {defaultRequest: {memory: 1Gi}, default: {memory: 4Gi}, maxLimitRequestRatio: {memory: '2'}}",
			"every container without resources would be refused",
		},
		"no port":                   {"network: {scrapers: [{namespace: monitoring, ports: []}]}", "spec.network.scrapers[0].ports"},
		"no scraper":                {"network: {scrapers: [{namespace: '', ports: [{port: 1}]}]}", "spec.network.scrapers[0].namespace"},
		"a namespace without ports": {"network: {namespaces: [{namespace: databases}]}", "spec.network.namespaces[0].ports"},
		"a namespace's pods": {
			"network: {namespaces: [{namespace: d, podLabels: {a b: c}, ports: [{port: 1}]}]}", "label keys must have Kubernetes label syntax",
		},
		"an operator without Ray": {"workload: {role: dask}, network: {rayOperator: {}}", "rayOperator is for workload.role ray"},
		"port 0":                  {"network: {egress: [{cidr: 10.0.0.0/8, ports: [{port: 0}]}]}", "spec.network.egress[0].ports[0].port"},
		"ports backwards": {
			"network: {egress: [{cidr: 10.0.0.0/8, ports: [{port: 2, endPort: 1}]}]}",
			"endPort must not be below port",
		},
		"a protocol": {
			"network: {egress: [{cidr: 10.0.0.0/8, ports: [{port: 2, protocol: ICMP}]}]}",
			"spec.network.egress[0].ports[0].protocol",
		},
		"an exception outside": {"network: {egress: [{cidr: 10.0.0.0/8, except: [11.0.0.0/16]}]}", "each exception must lie within cidr"},
		"all of it excepted":   {"network: {egress: [{cidr: 10.0.0.0/8, except: [10.0.0.0/8]}]}", "each exception must lie within cidr"},
		"a bad exception":      {"network: {egress: [{cidr: 10.0.0.0/8, except: [10.0.0.1/16]}]}", "must be a CIDR such as"},
	}
	for _, add := range []map[string]wrong{badLimits(), badExtras(), badCIDRs(), badAmounts(), badPods(), badQueues(), badObjects()} {
		maps.Copy(all, add)
	}
	for name, c := range all {
		t.Run(name, func(t *testing.T) {
			expectRefusal(t, tryCreate(t, "WorkspaceTier", "tier", spec(t, "{"+c.text+"}")), c.want)
		})
	}
}

// badLimits are amounts in the wrong order, for every pair.
func badLimits() map[string]wrong {
	cases := map[string]wrong{}
	for key, amounts := range map[string][2]string{
		"cpu": {"1500m", "1"}, "memory": {"1Gi", "1G"}, "gpu": {"2", "1"}, "storage": {"1Ti", "1T"}, "pods": {"11", "9"},
		"services": {"1", "0"}, "persistentVolumeClaims": {"100", "99"},
	} {
		text := "quota: {default: {" + key + ": '" + amounts[0] + "'}, maximum: {" + key + ": '" + amounts[1] + "'}}"
		cases["default "+key] = wrong{text, "default." + key + " must not be above maximum." + key}
	}
	order := []string{"min", "defaultRequest", "default", "max"}
	for i, low := range order {
		for _, high := range order[i+1:] {
			for _, key := range []string{"cpu", "memory", "ephemeralStorage"} {
				text := "limitRange: {" + low + ": {" + key + ": '2'}, " + high + ": {" + key + ": '1'}}"
				cases[low+" above "+high+" "+key] = wrong{text, low + "." + key + " must not be above " + high + "." + key}
			}
		}
	}
	return cases
}

func badExtras() map[string]wrong {
	cases := map[string]wrong{}
	for _, key := range []string{
		"pod-security.kubernetes.io/enforce", "kubernetes.io/metadata.name", "app.kubernetes.io/managed-by", "x.k8s.io/a",
		"platform.company.com/workspace", "scheduler.alpha.kubernetes.io/node-selector", "argocd.argoproj.io/instance",
	} {
		for _, field := range []string{"labels: {%: x}", "annotations: {%: x}", "workspaceLabels: [%]"} {
			text := strings.ReplaceAll(field, "%", key)
			cases[text] = wrong{"namespace: {" + text + "}", "are reserved"}
		}
		cases["account "+key] = wrong{"serviceAccount: {annotations: {" + key + ": x}}", "are reserved"}
	}
	for _, key := range []string{"'a b'", "-a", "a/b/c", "A.com/x", "'{workspace}'"} {
		cases["label "+key] = wrong{"namespace: {labels: {" + key + ": x}}", "label keys must have Kubernetes label syntax"}
		cases["annotation "+key] = wrong{"serviceAccount: {annotations: {" + key + ": x}}", "annotation keys must have"}
	}
	for _, value := range []string{"{tenant}", "{workspace", "}", "{{workspace}}", "{ workspace }", "a\\nb", "\\u202e"} {
		text := `serviceAccount: {annotations: {a.com/b: "` + value + `"}}`
		cases["value "+value] = wrong{text, "spec.serviceAccount.annotations.a.com/b"}
	}
	cases["a label's value"] = wrong{"namespace: {labels: {a: '{workspace}'}}", "spec.namespace.labels.a"}
	return cases
}

func badCIDRs() map[string]wrong {
	cases := map[string]wrong{}
	for _, field := range []string{"kubeAPI: ['%']", "privateEndpoints: ['%']", "egress: [{cidr: '%'}]"} {
		for cidr, want := range map[string]string{
			"10.0.0.1/8": "must be a CIDR such as", "10.0.0.0": "must be a CIDR such as", "010.0.0.0/8": "must be a CIDR such as",
			"FD00::/8": "must be a CIDR such as", "fd00:0::/32": "must be a CIDR such as", "::ffff:10.0.0.0/104": "must be a CIDR such as",
			"": "must be a CIDR such as", "0.0.0.0/0": "must not be all addresses", "::/0": "must not be all addresses",
			"169.254.169.254/32": "is a metadata address", "169.254.170.23/32": "is a metadata address",
			"fd00:ec2::254/128": "is a metadata address",
		} {
			text := strings.ReplaceAll(field, "%", cidr)
			cases[text] = wrong{"network: {" + text + "}", want}
		}
	}
	return cases
}

func tierObject(name string, spec map[string]any) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "platform.company.com/v1alpha1", "kind": "WorkspaceTier",
		"metadata": map[string]any{"name": name}, "spec": spec,
	}}
}

// A tier can be deleted when the last workspace on it is deleted, or is on another one.
func TestWorkspaceTier_IsNotDeletedInUse(t *testing.T) {
	admin := clientFor(t, installed(t))
	tier := tierObject("in-use", map[string]any{})
	w := tierObject("on-a-tier", map[string]any{"tier": "in-use"})
	w.SetKind("Workspace")
	for _, object := range []client.Object{tier, w} {
		if err := admin.Create(t.Context(), object); err != nil {
			t.Fatal(err)
		}
	}
	defer func() { _ = admin.Delete(context.WithoutCancel(t.Context()), w) }()
	awaitDeletion(t, admin, tier, "in use by the workspace on-a-tier")
	for _, change := range []string{`{"spec":{"state":"Suspended"}}`, `{"spec":{"state":"Deleted"}}`} {
		if err := admin.Patch(t.Context(), w, client.RawPatch("application/merge-patch+json", []byte(change))); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(change, "Suspended") {
			awaitDeletion(t, admin, tier, "in use by the workspace on-a-tier")
		}
	}
	awaitDeletion(t, admin, tier, "")
	if err := admin.Delete(t.Context(), tier); err != nil {
		t.Error(err)
	}
}

// awaitDeletion repeats a dry run until the answer is as expected: the API server's informers show workspaces and policies a moment
// later.
func awaitDeletion(t *testing.T, admin client.Client, tier client.Object, refusal string) {
	t.Helper()
	var last error
	err := wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, 2*time.Minute, true, func(ctx context.Context) (bool, error) {
		last = admin.Delete(ctx, tier, &client.DeleteOptions{DryRun: []string{metav1.DryRunAll}})
		if refusal == "" {
			return last == nil, nil
		}
		return last != nil && strings.Contains(last.Error(), refusal), nil
	})
	if err != nil {
		t.Fatalf("deleting the tier: %v, want %q", last, refusal)
	}
}
