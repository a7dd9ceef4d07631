package lifecycle

import (
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// tierProgress knows which generation of its tier each workspace was reconciled with last, since this replica leads. A restart loses
// it: the new leader reconciles every workspace.
type tierProgress struct {
	// changed has at most one request to compute the statuses.
	changed chan struct{}

	mu         sync.Mutex
	reconciled map[string]appliedTier // by workspace
}

// appliedTier is a generation of a tier.
type appliedTier struct {
	name       string
	generation int64
}

func newTierProgress() *tierProgress {
	return &tierProgress{changed: make(chan struct{}, 1), reconciled: map[string]appliedTier{}}
}

// signal has the statuses of the tiers computed soon.
func (p *tierProgress) signal() {
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

// record notes the tier of the spec as a Reconcile of a workspace has read it; zero if there was none.
func (p *tierProgress) record(id string, used appliedTier) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if before, known := p.reconciled[id]; !known || before != used {
		p.reconciled[id] = used
		p.signal()
	}
}

// reset is for a new leader: nothing is known of what another one has done since.
func (p *tierProgress) reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.reconciled)
	p.signal()
}

// remove is for a workspace that does not exist any more.
func (p *tierProgress) remove(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.reconciled, id)
	p.signal()
}

// tierCounts are how many workspaces are on a tier, how many conform to its newest generation, how many were reconciled with it, and how
// many were never reconciled by this leader.
type tierCounts struct{ workspaces, conforming, reconciled, unknown int32 }

// count counts the workspaces on a tier.
func (p *tierProgress) count(tier *v1alpha1.WorkspaceTier, all []v1alpha1.Workspace) (n tierCounts) {
	p.mu.Lock()
	defer p.mu.Unlock()
	newest := appliedTier{tier.Name, tier.Generation}
	for i := range all {
		w := &all[i]
		if w.Spec.Tier != tier.Name || w.Spec.State == v1alpha1.StateDeleted || !workspace.HasContent(w) {
			continue
		}
		n.workspaces++
		used, known := p.reconciled[w.Name]
		switch {
		case !known:
			n.unknown++
		case used == newest:
			n.reconciled++
			if w.ReadyCondition().Status == metav1.ConditionTrue {
				n.conforming++
			}
		}
	}
	return n
}
