package desired

import (
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/flyte"
	"platform.company.com/workspace-flyte-integration/internal/kueue"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// attributes are the workspace's attributes by Flyte domain, from the tier. They are empty if Flyte has no attributes.
func (f *Flyte) attributes(w *v1alpha1.Workspace, tier *v1alpha1.WorkspaceTier) map[string]flyte.Attributes {
	all := map[string]flyte.Attributes{}
	for _, domain := range f.Domains {
		shared := domain
		if !f.PerDomain {
			shared = "" // all domains use the quota of one namespace
		}
		amounts := f.taskQuota(w, tier, shared)
		all[domain] = domainTarget{workspace: w, tier: tier, domain: domain, amounts: amounts}.attributes()
	}
	return all
}

// taskQuota is the quota that a task in the domain may use. What namespaces with a queue share is not split: a task may use all of it.
func (f *Flyte) taskQuota(w *v1alpha1.Workspace, tier *v1alpha1.WorkspaceTier, domain string) map[string]resource.Quantity {
	amounts, _ := workspace.NamespaceQuota(w.Spec.Quota, tier, domain, f.Domains)
	if tier.Spec.Queue == nil || !workspace.SharesQuota(tier) {
		return amounts
	}
	whole, _ := workspace.EffectiveQuota(w.Spec.Quota, tier, "")
	for key := range amounts {
		if isQueued(tier, amounts, key) {
			amounts[key] = whole[key]
		}
	}
	return amounts
}

// domainTarget is a workspace in one Flyte domain, with the quota that applies there.
type domainTarget struct {
	workspace *v1alpha1.Workspace
	tier      *v1alpha1.WorkspaceTier
	domain    string
	amounts   map[string]resource.Quantity
}

func (t domainTarget) attributes() (a flyte.Attributes) {
	wanted := t.tierAttributes()
	if wanted.Execution != nil {
		a.Execution = t.execution(wanted.Execution)
	}
	if t.tier.Spec.Queue != nil {
		a.Execution = queued(a.Execution)
	}
	if wanted.TaskResources != nil {
		a.TaskResources = t.taskResources(wanted.TaskResources)
	}
	if len(wanted.ClusterResources) > 0 {
		a.ClusterResources = t.clusterResources(wanted.ClusterResources)
	}
	return a
}

// tierAttributes are what the tier sets. A kind that it sets for the domain replaces the general one.
func (t domainTarget) tierAttributes() v1alpha1.FlyteAttributes {
	wanted := t.tier.Spec.Flyte.FlyteAttributes
	own := t.tier.Spec.Flyte.Domains[t.domain]
	if own.Execution != nil {
		wanted.Execution = own.Execution
	}
	if own.TaskResources != nil {
		wanted.TaskResources = own.TaskResources
	}
	if own.ClusterResources != nil {
		wanted.ClusterResources = own.ClusterResources
	}
	return wanted
}

func (t domainTarget) execution(e *v1alpha1.FlyteExecution) *flyte.Execution {
	return &flyte.Execution{
		ServiceAccount:  WorkloadServiceAccount,
		Labels:          map[string]string{v1alpha1.LabelWorkspace: t.workspace.Name},
		RawOutputPrefix: strings.NewReplacer("{project}", t.workspace.Name, "{domain}", t.domain).Replace(e.RawOutputPrefix),
		MaxParallelism:  e.MaxParallelism,
	}
}

// queued labels what tasks make with the queue: pods, and the objects of Spark, Ray, Dask and Kubeflow.
func queued(e *flyte.Execution) *flyte.Execution {
	if e == nil {
		e = &flyte.Execution{Labels: map[string]string{}}
	}
	e.Labels[kueue.QueueLabel] = kueue.DefaultQueue
	return e
}

// clusterResources fills in the placeholders. It leaves out a value with the placeholder of an amount that has no limit.
func (t domainTarget) clusterResources(wanted map[string]v1alpha1.ClusterResourceValue) map[string]string {
	values := map[string]string{"project": t.workspace.Name, "domain": t.domain}
	for key, amount := range t.amounts {
		values[key] = amount.String()
	}
	found := map[string]string{}
	for key, value := range wanted {
		text := string(value)
		for _, name := range []string{"project", "domain", "cpu", "memory", "gpu", "storage", "pods"} {
			placeholder := "{" + name + "}"
			if amount, known := values[name]; known {
				text = strings.ReplaceAll(text, placeholder, amount)
			} else if strings.Contains(text, placeholder) {
				text = ""
			}
		}
		if text != "" {
			found[key] = text
		}
	}
	return found
}
