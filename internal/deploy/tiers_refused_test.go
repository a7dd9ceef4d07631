package deploy_test

import "strings"

// badAmounts are quotas and task resources that let nothing run, or that Kubernetes or Flyte would interpret in another way.
func badAmounts() map[string]wrong {
	cases := map[string]wrong{
		"a default above the maximum": {
			"quota: {default: {extra: {count/jobs.batch: '2'}}, maximum: {extra: {count/jobs.batch: '1'}}}",
			"default.extra must not be above maximum.extra",
		},
		"the tier's GPU twice": {
			"gpuResource: amd.com/gpu, quota: {default: {extra: {requests.amd.com/gpu: '1'}}}",
			"quota.default.gpu is the field of the tier's gpuResource",
		},
		"the usual GPU twice": {
			"quota: {maximum: {extra: {requests.nvidia.com/gpu: '1'}}}", "quota.maximum.gpu is the field of the tier's gpuResource",
		},
		"a priority class without amounts": {"quota: {priorityClasses: {high: {}}}", "a priority class needs an amount"},
		"a priority class's name":          {"quota: {priorityClasses: {High: {pods: '1'}}}", "named by a DNS subdomain"},
		"a priority class's storage":       {"quota: {priorityClasses: {high: {storage: 1Gi}}}", "unknown field"},
		"a share of nothing":               {"domains: {d: {share: 1}}", "a share needs quotaScope workspace"},
		"a share and a quota": {
			"quotaScope: workspace, domains: {d: {share: 1, quota: {default: {cpu: '1'}}}}", "have no quota of their own, only a share",
		},
		"an unknown scope": {"quotaScope: cluster", "spec.quotaScope"},
		"a domain below the minimum": {
			"limitRange: {min: {cpu: '1'}}, domains: {d: {quota: {default: {cpu: 500m}}}}",
			"limitRange.min.cpu must not be above a domain's quota",
		},
		"ephemeral storage below the minimum": {
			"limitRange: {min: {ephemeralStorage: 2Gi}}, quota: {default: {extra: {limits.ephemeral-storage: 1Gi}}}",
			"limitRange.min.ephemeralStorage must not be above",
		},
	}
	for _, key := range []string{
		"'a b'", "count/", "/jobs", "count/a b", "a/b/c", "Count/jobs.batch", "cpus", "count.jobs", "requests.gpu", "hugepages-", "-a/b",
	} {
		cases["extra "+key] = wrong{"quota: {default: {extra: {" + key + ": '1'}}}", "extra keys must be keys of a ResourceQuota"}
	}
	for _, key := range []string{
		"cpu", "requests.memory", "limits.cpu", "requests.storage", "pods", "services", "persistentvolumeclaims", "services.nodeports",
	} {
		cases["extra "+key] = wrong{"quota: {default: {extra: {" + key + ": '1'}}}", "have fields of their own"}
	}
	for _, key := range []string{"resourcequotas", "count/rolebindings.rbac.authorization.k8s.io", "count/limitranges"} {
		cases["extra "+key] = wrong{"quota: {maximum: {extra: {" + key + ": '0'}}}", "the service makes these objects itself"}
	}
	for key, c := range map[string]wrong{
		"count/events": {"'5'", "Kubernetes does not count Events"}, "count/events.events.k8s.io": {"'5'", "Kubernetes does not count Events"},
		"count/configmaps": {"'1'", "every namespace needs 2 ConfigMaps"}, "secrets": {"'0'", "every namespace needs room for 1 Secret"},
		"count/jobs.batch": {"500m", "extra amounts must be whole numbers"}, "count/pods": {"1e3", "spec.domains.d.quota.default.extra"},
	} {
		cases["extra "+key+" "+c.text] = wrong{"domains: {d: {quota: {default: {extra: {" + key + ": " + c.text + "}}}}}", c.want}
	}
	for _, part := range []string{"min", "defaultRequest", "default"} {
		for _, quota := range []string{"default", "maximum"} {
			for _, key := range []string{"cpu", "memory"} {
				text := "limitRange: {" + part + ": {" + key + ": '2'}}, quota: {" + quota + ": {" + key + ": '1'}}"
				want := "limitRange." + part + "." + key + " must not be above quota." + quota + "." + key
				cases[part+" above quota "+quota+" "+key] = wrong{text, want}
			}
		}
	}
	for field, want := range map[string]string{
		"limits: {cpu: '0'}": "limits.cpu must be above 0", "limits: {memory: 0m}": "limits.memory must be above 0",
		"limits: {gpu: '0'}": "limits.gpu must be above 0", "limits: {ephemeralStorage: '0'}": "limits.ephemeralStorage must be above 0",
		"defaults: {cpu: '0'}": "defaults.cpu must be above 0", "defaults: {memory: '0'}": "defaults.memory must be above 0",
		"defaults: {cpu: '2'}, limits: {cpu: '1'}":                          "defaults.cpu must not be above limits.cpu",
		"defaults: {gpu: '2'}, limits: {gpu: '1'}":                          "defaults.gpu must not be above limits.gpu",
		"defaults: {memory: 1Gi}, limits: {memory: 1G}":                     "defaults.memory must not be above limits.memory",
		"defaults: {ephemeralStorage: 1Gi}, limits: {ephemeralStorage: 1G}": "defaults.ephemeralStorage must not be above",
	} {
		cases["flyte "+field] = wrong{"flyte: {taskResources: {" + field + "}}", want}
		cases["flyte domain "+field] = wrong{"flyte: {domains: {d: {taskResources: {" + field + "}}}}", want}
	}
	for _, prefix := range []string{"s3://bucket/{workspace}", "s3://bucket/{", "s3://bucket/{{ project }}"} {
		cases["prefix "+prefix] = wrong{"flyte: {execution: {rawOutputPrefix: '" + prefix + "'}}", "spec.flyte.execution.rawOutputPrefix"}
	}
	return cases
}

// badPods are pod templates that Kubernetes would refuse.
func badPods() map[string]wrong {
	cases := map[string]wrong{
		"a priority class of the system": {"workload: {podTemplate: {priorityClassName: system-node-critical}}", "are Kubernetes' own"},
		"too large annotations": {
			"workload: {podTemplate: {annotations: {a: '" + strings.Repeat("x", 200_000) + "', b: '" + strings.Repeat("x", 70_000) + "'}}}",
			"must not be larger than 256 KiB",
		},
		"a GPU of Kubernetes":      {"gpuResource: kubernetes.io/gpu", "must be an extended resource"},
		"a GPU under Kubernetes":   {"gpuResource: x.kubernetes.io/gpu", "must be an extended resource"},
		"a GPU as a quota says it": {"gpuResource: requests.nvidia.com/gpu", "must be an extended resource"},
		"a GPU with a long name":   {"gpuResource: nvidia.com/" + strings.Repeat("g", 64), "spec.gpuResource"},
		"a GPU with dots":          {"gpuResource: nvidia..com/gpu", "spec.gpuResource"},
	}
	for _, key := range []string{"'a b'", "-a", "a/b/c", strings.Repeat("k", 64), "a..b/c"} {
		for _, field := range []string{"labels", "nodeSelector"} {
			text := "workload: {podTemplate: {" + field + ": {" + key + ": x}}}"
			cases[field+" "+key] = wrong{text, "label keys must have Kubernetes label syntax"}
		}
		cases["annotations "+key] = wrong{"workload: {podTemplate: {annotations: {" + key + ": x}}}", "annotation keys must have Kubernetes"}
		cases["workspaceLabels "+key] = wrong{"namespace: {workspaceLabels: [" + key + "]}", "label keys must have Kubernetes label syntax"}
	}
	for _, name := range []string{"High Prio", "high..prio", "-high", "High", "high."} {
		for _, field := range []string{"priorityClassName: '%'", "runtimeClassName: '%'"} {
			text := strings.ReplaceAll(field, "%", name)
			key, _, _ := strings.Cut(field, ":")
			cases[text] = wrong{"workload: {podTemplate: {" + text + "}}", "spec.workload.podTemplate." + key}
		}
		cases["pull secret "+name] = wrong{"workload: {imagePullSecrets: ['" + name + "']}", "spec.workload.imagePullSecrets[0]"}
	}
	for toleration, want := range map[string]string{
		"key: a, operator: Maybe": "tolerations[0].operator", "key: a, effect: Never": "tolerations[0].effect",
		"key: 'a b', operator: Exists": "must have Kubernetes label syntax", "key: a, value: 'a b'": "tolerations[0].value",
		"effect: NoSchedule": "operator must be Exists where key is empty", "operator: Equal": "operator must be Exists where key is empty",
		"key: a, operator: Exists, value: b":                         "value must be empty where operator is Exists",
		"key: a, operator: Exists, tolerationSeconds: 5":             "effect must be NoExecute where tolerationSeconds is set",
		"key: a, effect: NoSchedule, value: b, tolerationSeconds: 5": "effect must be NoExecute where tolerationSeconds is set",
	} {
		cases["toleration "+toleration] = wrong{"workload: {podTemplate: {tolerations: [{" + toleration + "}]}}", want}
	}
	return cases
}

// badObjects are templates that can't become objects of a workspace.
func badObjects() map[string]wrong {
	configMap := func(metadata string) string { return "{apiVersion: v1, kind: ConfigMap, metadata: {" + metadata + "}}" }
	of := func(apiVersion, kind string) string {
		return "{apiVersion: " + apiVersion + ", kind: " + kind + ", metadata: {name: a}}"
	}
	cases := map[string]wrong{}
	for name, c := range map[string]wrong{
		"no name":           {configMap(""), "spec.objects[0].metadata.name"},
		"a fixed namespace": {configMap("name: a, namespace: kube-system"), "spec.objects[0].metadata.namespace"},
		"an owner":          {configMap("name: a, ownerReferences: []"), `unknown field "spec.objects[0].metadata.ownerReferences"`},
		"a finalizer":       {configMap("name: a, finalizers: [a.b/c]"), `unknown field "spec.objects[0].metadata.finalizers"`},
		"a generated name":  {configMap("name: a, generateName: a-"), "unknown field"},
		"an unknown name":   {configMap("name: '{cpu}'"), "spec.objects[0].metadata.name"},
		"a label as name":   {configMap("name: '{labels.team}'"), "spec.objects[0].metadata.name"},
		"a reserved name":   {configMap("name: workspace-config"), "are reserved"},
		"our label":         {configMap("name: a, labels: {platform.company.com/workspace: x}"), "are reserved"},
		"our annotation":    {configMap("name: a, annotations: {platform.company.com/tier-object: x}"), "are reserved"},
		"a Secret":          {of("v1", "Secret"), "only a ConfigMap"},
		"a Deployment":      {of("apps/v1", "Deployment"), "only a ConfigMap"},
		"a RoleBinding":     {of("rbac.authorization.k8s.io/v1", "RoleBinding"), "only a ConfigMap"},
		"a Workspace":       {of("platform.company.com/v1alpha1", "Workspace"), "no kind of this service"},
		"a taken name":      {of("v1", "ConfigMap") + "," + of("v1", "ConfigMap"), "different names"},
		"no object":         {"a", "spec.objects[0]"},
	} {
		cases["a template with "+name] = wrong{"objects: [" + c.text + "]", c.want}
	}
	return cases
}
