package web

import (
	"context"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// workspaceView is what the page of a workspace shows.
type workspaceView struct {
	workspaceDetail

	problems []problem
	timeline []moment
	usages   []namespaceUsage
	network  networkPicture
	// tierLink says that the user may see the tier.
	tierLink bool
}

// problem is a condition that is not as it should be, and what to do about it.
type problem struct {
	condition

	action bool
	remedy remedy
}

func (p *Page) loadWorkspace(ctx context.Context, v *visit) (content, error) {
	if err := newQuery(v.URL.Query()).err(); err != nil {
		return content{}, err
	}
	var w v1alpha1.Workspace
	if err := p.api.getCached(ctx, "workspace", v.name, &w); err != nil {
		return content{}, err
	}
	view := workspaceView{workspaceDetail: p.api.detail(ctx, &w)}
	view.problems = p.problemsOf(view.Conditions)
	view.timeline = timelineOf(&view.workspaceDetail)
	view.usages = usagesOf(view.Quotas)
	if all := view.SharedQuota; all != nil {
		together := namespaceQuota{Namespace: "All namespaces together", Hard: all.Hard, Used: all.Used}
		view.usages = append(usagesOf([]namespaceQuota{together}), view.usages...)
	}
	if err := p.addTier(ctx, v, &view, &w); err != nil {
		return content{}, err
	}
	shows := func(change Change) bool {
		return change == Change{ResourceWorkspaces, w.Name} || change == Change{ResourceTiers, w.Spec.Tier}
	}
	return content{title: string(w.Spec.DisplayName) + " · " + w.Name, tab: "workspaces", body: workspaceBody(v, &view), shows: shows}, nil
}

// addTier adds what the tier opens, if the user may see it.
func (p *Page) addTier(ctx context.Context, v *visit, view *workspaceView, w *v1alpha1.Workspace) (err error) {
	if view.tierLink, err = p.may(v, Access{Verb: verbGet, Resource: ResourceTiers, Name: w.Spec.Tier}); err != nil {
		return err
	}
	var tier v1alpha1.WorkspaceTier
	exists := view.tierLink && p.api.getCached(ctx, "tier", w.Spec.Tier, &tier) == nil
	if exists {
		view.network = p.Network.pictureOf(&tier.Spec)
		return nil
	}
	view.network = p.Network.pictureOf(nil)
	view.network.tierHidden = !view.tierLink
	return nil
}

// problemsOf returns the conditions to act on, of those that are not as they should be. Some only repeat or follow another one.
func (p *Page) problemsOf(conditions []condition) (problems []problem) {
	var others []problem
	for _, c := range conditions {
		found := problem{c, v1alpha1.RequiresAction(c.Reason), p.remedies[c.Reason]}
		switch {
		case !isFailing(c), c.Type == v1alpha1.ConditionReconciling, c.Type == v1alpha1.ConditionStalled:
		case c.Type == v1alpha1.ConditionReady, c.Reason == v1alpha1.ReasonWaitingForNamespace:
			others = append(others, found)
		default:
			problems = append(problems, found)
		}
	}
	if len(problems) == 0 {
		return others
	}
	return problems
}
