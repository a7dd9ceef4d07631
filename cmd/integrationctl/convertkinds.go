package main

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// byHand says of kinds that no tier can have where their content belongs.
var byHand = map[string]string{ //nolint:gosec // no credentials
	"Secret":             "a tier has no Secrets: name it in workload.imagePullSecrets, or let an ExternalSecret make it",
	"NetworkPolicy":      "set what it opens in network",
	"PodTemplate":        "set it in workload.podTemplate",
	"Role":               "members have the roles of docs/members.md, and pipelines workload.role",
	"ClusterRole":        "members have the roles of docs/members.md, and pipelines workload.role",
	"ClusterRoleBinding": "no tier grants rights in the whole cluster",
}

// add converts one template.
func (c *conversion) add(file flyteTemplate) {
	c.file = file.name
	objects := c.parseForDomains(file.text)
	if objects == nil {
		return
	}
	domains := c.data.domains()
	last := objects[domains[len(domains)-1]]
	switch {
	case !slices.ContainsFunc(slices.Collect(maps.Values(objects)), func(o *unstructured.Unstructured) bool {
		return !equality.Semantic.DeepEqual(o, last)
	}):
		c.convert(last)
	case last.GetKind() == "ResourceQuota":
		for domain, o := range objects {
			c.quotaOf(o, domain)
		}
	default:
		c.warn("differs between domains, which only a ResourceQuota can: make the %s the same, or use {domain}", last.GetKind())
	}
}

func inDomain(domain string) string {
	if domain == "" {
		return ""
	}
	return " in the domain " + domain
}

func (c *conversion) convert(o *unstructured.Unstructured) {
	switch o.GetKind() {
	case "Namespace":
		c.namespace(o)
	case "ResourceQuota":
		c.quotaOf(o, "")
	case "LimitRange":
		c.limits(o)
	case "ServiceAccount":
		c.serviceAccount(o)
	case "Role", "RoleBinding":
		c.role(o)
	default:
		c.object(o)
	}
}

func (c *conversion) namespace(o *unstructured.Unstructured) {
	if o.GetName() != "{namespace}" {
		c.warn("is the Namespace %s: a workspace has those of NAMESPACE_TEMPLATE alone", o.GetName())
		return
	}
	spec, security := &c.tier.Spec.Namespace, &c.tier.Spec.PodSecurity
	levels := map[string]*v1alpha1.PodSecurityLevel{"enforce": &security.Enforce, "warn": &security.Warn, "audit": &security.Audit}
	for _, key := range slices.Sorted(maps.Keys(o.GetLabels())) {
		value := o.GetLabels()[key]
		mode, ofPodSecurity := strings.CutPrefix(key, v1alpha1.PodSecurityPrefix)
		switch {
		case ofPodSecurity && levels[mode] != nil:
			*levels[mode] = v1alpha1.PodSecurityLevel(value)
		case workspace.IsReservedKey(key):
			c.warn("the label %s is reserved", key)
		case strings.Contains(value, "{"):
			c.warn("the label %s has a placeholder: namespace.workspaceLabels takes labels from the workspace", key)
		default:
			spec.Labels = put(spec.Labels, key, v1alpha1.LabelValue(value))
		}
	}
	c.annotations(o, &spec.Annotations)
}

// annotations converts those of a Namespace or ServiceAccount.
func (c *conversion) annotations(o *unstructured.Unstructured, into *v1alpha1.Annotations) {
	for _, key := range slices.Sorted(maps.Keys(o.GetAnnotations())) {
		value := strings.ReplaceAll(o.GetAnnotations()[key], "{project}", "{workspace}")
		rest := strings.NewReplacer("{workspace}", "", "{domain}", "", "{namespace}", "").Replace(value)
		switch {
		case workspace.IsReservedKey(key):
			c.warn("the annotation %s is reserved", key)
		case strings.ContainsAny(rest, "{}"):
			c.warn("the annotation %s has braces", key)
		default:
			*into = put(*into, key, v1alpha1.AnnotationTemplate(value))
		}
	}
}

func put[M ~map[string]V, V any](m M, key string, value V) M {
	if m == nil {
		m = M{}
	}
	m[key] = value
	return m
}

// quotaOf converts a ResourceQuota, which bounds a workspace as a maximum does.
func (c *conversion) quotaOf(o *unstructured.Unstructured, domain string) {
	hard, _, _ := unstructured.NestedMap(o.Object, "spec", "hard")
	for _, other := range []string{"scopes", "scopeSelector"} {
		if _, has, _ := unstructured.NestedFieldNoCopy(o.Object, "spec", other); has {
			c.warn("spec.%s: only quota.priorityClasses has a scope, of pods of one priority class", other)
			return
		}
	}
	quota := c.tier.Spec.Quota
	if domain != "" {
		quota = c.tier.Spec.Domains[domain].Quota
	}
	for _, key := range slices.Sorted(maps.Keys(hard)) {
		c.amount(&quota.Default, key, textOf(hard[key]))
	}
	quota.Maximum = *quota.Default.DeepCopy()
	if domain == "" {
		c.tier.Spec.Quota = quota
		return
	}
	of := c.tier.Spec.Domains[domain]
	of.Quota = quota
	c.tier.Spec.Domains = put(c.tier.Spec.Domains, domain, of)
}

func textOf(value any) string {
	text, isText := value.(string)
	if isText {
		return text
	}
	number, err := json.Marshal(value)
	if err != nil {
		panic("marshalling a scalar: " + err.Error())
	}
	return string(number)
}

// amount sets the field of a key of a ResourceQuota.
func (c *conversion) amount(amounts *v1alpha1.TierAmounts, key, value string) {
	count, quantity := v1alpha1.Count(value), v1alpha1.Quantity(value)
	switch key {
	case "cpu", "requests.cpu", "limits.cpu":
		c.both(&amounts.CPU, quantity, "cpu")
	case "memory", "requests.memory", "limits.memory":
		c.both(&amounts.Memory, quantity, "memory")
	case "requests.storage":
		amounts.Storage = quantity
	case "pods":
		amounts.Pods = count
	case "services":
		amounts.Services = count
	case "persistentvolumeclaims":
		amounts.PersistentVolumeClaims = count
	case "services.loadbalancers", "services.nodeports":
		if value != "0" {
			c.warn("spec.hard.%s: no workspace has Services of this type", key)
		}
	default:
		c.device(amounts, key, value)
	}
}

// device makes the first GPU the tier's, and every other key an extra one.
func (c *conversion) device(amounts *v1alpha1.TierAmounts, key, value string) {
	gpu, isRequest := strings.CutPrefix(key, corev1.DefaultResourceRequestsPrefix)
	if isRequest && strings.HasSuffix(gpu, "/gpu") && cmp.Or(c.tier.Spec.GPUResource, gpu) == gpu {
		c.tier.Spec.GPUResource, amounts.GPU = gpu, v1alpha1.Count(value)
		return
	}
	amounts.Extra = put(amounts.Extra, key, v1alpha1.Quantity(value))
}

// both sets an amount that bounds requests and limits.
func (c *conversion) both(into *v1alpha1.Quantity, value v1alpha1.Quantity, name string) {
	if *into != "" && *into != value {
		c.warn("spec.hard: requests and limits of %s differ, and quota.%s bounds both: it is %s", name, name, *into)
		return
	}
	*into = value
}

func (c *conversion) limits(o *unstructured.Unstructured) {
	items, _, _ := unstructured.NestedSlice(o.Object, "spec", "limits")
	into := map[string]*v1alpha1.ComputeResources{
		"default": &c.tier.Spec.LimitRange.Default, "defaultRequest": &c.tier.Spec.LimitRange.DefaultRequest,
		"min": &c.tier.Spec.LimitRange.Min, "max": &c.tier.Spec.LimitRange.Max,
		"maxLimitRequestRatio": &c.tier.Spec.LimitRange.MaxLimitRequestRatio,
	}
	for _, item := range items {
		limits, _ := item.(map[string]any)
		if limits["type"] != string(corev1.LimitTypeContainer) {
			c.warn("spec.limits of type %v: limitRange bounds containers alone", limits["type"])
			continue
		}
		for _, bound := range slices.Sorted(maps.Keys(into)) {
			amounts, _ := limits[bound].(map[string]any)
			for _, name := range slices.Sorted(maps.Keys(amounts)) {
				c.limit(into[bound], bound, name, v1alpha1.Quantity(textOf(amounts[name])))
			}
		}
	}
}

func (c *conversion) limit(into *v1alpha1.ComputeResources, bound, name string, value v1alpha1.Quantity) {
	switch corev1.ResourceName(name) {
	case corev1.ResourceCPU:
		into.CPU = value
	case corev1.ResourceMemory:
		into.Memory = value
	case corev1.ResourceEphemeralStorage:
		into.EphemeralStorage = value
	default:
		c.warn("spec.limits.%s.%s: limitRange bounds cpu, memory and ephemeral-storage", bound, name)
	}
}

// serviceAccount gives the account flyte-workload what pipelines had.
func (c *conversion) serviceAccount(o *unstructured.Unstructured) {
	c.annotations(o, &c.tier.Spec.ServiceAccount.Annotations)
	pulls, _, _ := unstructured.NestedSlice(o.Object, "imagePullSecrets")
	for _, pull := range pulls {
		of, _ := pull.(map[string]any)
		name := textOf(of["name"])
		if secrets := &c.tier.Spec.Workload.ImagePullSecrets; !slices.Contains(*secrets, name) {
			*secrets = append(*secrets, name)
		}
	}
	for _, field := range []string{"secrets", "automountServiceAccountToken"} {
		if _, has := o.Object[field]; has {
			c.warn("%s: a tier does not set it", field)
		}
	}
}

// role recognises the rights of a framework by their name, as in Flyte's own templates.
func (c *conversion) role(o *unstructured.Unstructured) {
	for _, framework := range []v1alpha1.WorkloadRole{v1alpha1.WorkloadSpark, v1alpha1.WorkloadRay, v1alpha1.WorkloadDask} {
		if !strings.Contains(o.GetName(), string(framework)) {
			continue
		}
		if have := c.tier.Spec.Workload.Role; have != "" && have != framework {
			c.warn("%s %s: a tier has one workload.role, and it is %s", o.GetKind(), o.GetName(), have)
			return
		}
		c.tier.Spec.Workload.Role = framework
		return
	}
	c.warn("%s %s: %s", o.GetKind(), o.GetName(), byHand["Role"])
}
