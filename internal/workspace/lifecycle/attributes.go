package lifecycle

import (
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/flyte"
	"platform.company.com/workspace-flyte-integration/internal/k8s"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// attributesOf are what the tier wants for the workspace in each of Flyte's domains; nothing where Flyte has no attributes.
func (c *Controller) attributesOf(w *v1alpha1.Workspace, tier *v1alpha1.WorkspaceTier) map[string]flyte.Attributes {
	all := map[string]flyte.Attributes{}
	for _, domain := range c.Domains {
		shared := domain
		if !c.Naming.PerDomain() {
			shared = "" // all domains use the quota of one namespace
		}
		amounts, _ := workspace.EffectiveQuota(w.Spec.Quota, tier, shared)
		p := placed{workspace: w, tier: tier, domain: domain, amounts: amounts}
		all[domain] = p.attributes()
	}
	return all
}

// placed is a workspace in one Flyte domain, with the quota that holds there.
type placed struct {
	workspace *v1alpha1.Workspace
	tier      *v1alpha1.WorkspaceTier
	domain    string
	amounts   map[string]resource.Quantity
}

// attributes are the tier's, with each kind that it has for the domain in place of the general one.
func (p placed) attributes() (a flyte.Attributes) {
	wanted := p.tier.Spec.Flyte.FlyteAttributes
	own := p.tier.Spec.Flyte.Domains[p.domain]
	if own.Execution != nil {
		wanted.Execution = own.Execution
	}
	if own.TaskResources != nil {
		wanted.TaskResources = own.TaskResources
	}
	if own.ClusterResources != nil {
		wanted.ClusterResources = own.ClusterResources
	}
	if wanted.Execution != nil {
		a.Execution = p.execution(wanted.Execution)
	}
	if wanted.TaskResources != nil {
		a.TaskResources = p.taskResources(wanted.TaskResources)
	}
	if len(wanted.ClusterResources) > 0 {
		a.ClusterResources = p.clusterResources(wanted.ClusterResources)
	}
	return a
}

func (p placed) execution(e *v1alpha1.FlyteExecution) *flyte.Execution {
	return &flyte.Execution{
		ServiceAccount:  k8s.WorkloadServiceAccount,
		Labels:          map[string]string{v1alpha1.LabelWorkspace: p.workspace.Name},
		RawOutputPrefix: strings.NewReplacer("{project}", p.workspace.Name, "{domain}", p.domain).Replace(e.RawOutputPrefix),
		MaxParallelism:  e.MaxParallelism,
	}
}

// clusterResources leaves out what would need an amount that has no limit.
func (p placed) clusterResources(wanted map[string]v1alpha1.ClusterResourceValue) map[string]string {
	values := map[string]string{"project": p.workspace.Name, "domain": p.domain}
	for key, amount := range p.amounts {
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

// kindsOf are the kinds that some domain has.
func kindsOf(attributes map[string]flyte.Attributes) (kinds []flyte.Kind) {
	has := map[flyte.Kind]bool{}
	for a := range maps.Values(attributes) {
		has[flyte.KindExecution] = has[flyte.KindExecution] || a.Execution != nil
		has[flyte.KindTaskResources] = has[flyte.KindTaskResources] || a.TaskResources != nil
		has[flyte.KindClusterResources] = has[flyte.KindClusterResources] || a.ClusterResources != nil
	}
	return slices.DeleteFunc(flyte.Kinds(), func(kind flyte.Kind) bool { return !has[kind] })
}
