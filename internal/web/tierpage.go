package web

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// tierView is what is shown of a tier.
type tierView struct {
	tier

	// counted says that the user may list workspaces, so the numbers are known.
	counted                bool
	workspaces, namespaces int
	notReady               int
	network                networkPicture
	amounts                []tierAmount
}

// tierAmount is one amount of a tier's quota. An empty text is no limit.
type tierAmount struct{ name, standard, maximum string }

func (p *Page) loadTiers(ctx context.Context, v *visit) (content, error) {
	if err := newQuery(v.URL.Query()).err(); err != nil {
		return content{}, err
	}
	var all v1alpha1.WorkspaceTierList
	if err := p.api.listCached(ctx, &all); err != nil {
		return content{}, err
	}
	views := make([]*tierView, len(all.Items))
	for i := range all.Items {
		views[i] = p.newTierView(&all.Items[i])
	}
	slices.SortFunc(views, func(a, b *tierView) int { return cmp.Compare(a.Name, b.Name) })
	if err := p.countWorkspaces(ctx, v, views...); err != nil {
		return content{}, err
	}
	return content{title: "Tiers", tab: "tiers", body: tiersBody(v, views), shows: showsAll}, nil
}

func showsAll(Change) bool { return true }

func (p *Page) loadTier(ctx context.Context, v *visit) (content, error) {
	if err := newQuery(v.URL.Query()).err(); err != nil {
		return content{}, err
	}
	var found v1alpha1.WorkspaceTier
	if err := p.api.getCached(ctx, "tier", v.name, &found); err != nil {
		return content{}, err
	}
	view := p.newTierView(&found)
	if err := p.countWorkspaces(ctx, v, view); err != nil {
		return content{}, err
	}
	return content{title: "Tier " + found.Name, tab: "tiers", body: tierBody(v, view), shows: showsAll}, nil
}

func (p *Page) newTierView(t *v1alpha1.WorkspaceTier) *tierView {
	view := &tierView{tier: newTier(t), network: p.Network.pictureOf(&t.Spec)}
	standard, maximum := &t.Spec.Quota.Default, &t.Spec.Quota.Maximum
	view.amounts = []tierAmount{
		{"CPU", string(standard.CPU), string(maximum.CPU)},
		{"Memory", string(standard.Memory), string(maximum.Memory)},
		{"GPU (" + t.Spec.GPUResource + ")", string(standard.GPU), string(maximum.GPU)},
		{"Storage", string(standard.Storage), string(maximum.Storage)},
		{"Pods", string(standard.Pods), string(maximum.Pods)},
		{"Services", string(standard.Services), string(maximum.Services)},
		{"Volume claims", string(standard.PersistentVolumeClaims), string(maximum.PersistentVolumeClaims)},
	}
	extra := slices.Concat(slices.Collect(maps.Keys(standard.Extra)), slices.Collect(maps.Keys(maximum.Extra)))
	slices.Sort(extra)
	for _, key := range slices.Compact(extra) {
		view.amounts = append(view.amounts, tierAmount{key, string(standard.Extra[key]), string(maximum.Extra[key])})
	}
	view.amounts = append(view.amounts, priorityAmounts(&t.Spec)...)
	return view
}

// priorityAmounts are the amounts of the tier's priority classes. A workspace can't ask for its own.
func priorityAmounts(spec *v1alpha1.WorkspaceTierSpec) (amounts []tierAmount) {
	for _, class := range slices.Sorted(maps.Keys(spec.Quota.PriorityClasses)) {
		of := spec.Quota.PriorityClasses[class]
		for _, amount := range []tierAmount{
			{name: "CPU", standard: string(of.CPU)},
			{name: "Memory", standard: string(of.Memory)},
			{name: "GPU (" + spec.GPUResource + ")", standard: string(of.GPU)},
			{name: "Pods", standard: string(of.Pods)},
		} {
			if amount.standard != "" {
				amount.name, amount.maximum = "Priority class "+class+": "+amount.name, amount.standard
				amounts = append(amounts, amount)
			}
		}
	}
	return amounts
}

// countWorkspaces counts the workspaces of each tier, if the user may list them. A change of a tier touches all of these.
func (p *Page) countWorkspaces(ctx context.Context, v *visit, views ...*tierView) error {
	counted, err := p.may(v, Access{Verb: verbList, Resource: ResourceWorkspaces})
	if err != nil || !counted {
		return err
	}
	var all v1alpha1.WorkspaceList
	if err := p.api.listCached(ctx, &all); err != nil {
		return err
	}
	byName := map[string]*tierView{}
	for _, view := range views {
		view.counted = true
		byName[view.Name] = view
	}
	for i := range all.Items {
		if view := byName[all.Items[i].Spec.Tier]; view != nil {
			view.count(&all.Items[i])
		}
	}
	return nil
}

func (t *tierView) count(w *v1alpha1.Workspace) {
	t.workspaces++
	t.namespaces += len(w.Status.Namespaces)
	if !isTrue(w.ReadyCondition()) {
		t.notReady++
	}
}

func sortedDomains(domains map[string]v1alpha1.TierDomain) []string {
	return slices.Sorted(maps.Keys(domains))
}

func sortedKeys(set map[string]bool) []string { return slices.Sorted(maps.Keys(set)) }
