package k8s

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// Cluster is what the objects of every workspace follow from, beside the workspace and its tier.
type Cluster struct {
	// FlyteNamespace is where Flyte runs, and FlytePorts are the TCP ports that workspaces reach there. None closes it.
	FlyteNamespace string
	FlytePorts     []int32
	// DNSCIDRs are addresses of DNS that selectors can't reach, such as node-local DNS (kubernetes#70555). Port 53 is open
	// there, even at a metadata address: GKE's Cloud DNS answers at one.
	DNSCIDRs []string
	// ExceptCIDRs must not be reached from workspaces, beside the metadata addresses of the clouds.
	ExceptCIDRs []string
}

// Plan is everything that the objects in one namespace of a workspace follow from. Its methods are pure: the same
// plan makes the same objects, complete with the API server's defaults, so that their digests can be compared.
type Plan struct {
	Cluster    *Cluster
	Workspace  *v1alpha1.Workspace
	Tier       *v1alpha1.WorkspaceTier
	Namespace  workspace.Namespace
	ConsoleURL string
	// APIServers are where pods reach the Kubernetes API. They are opened where the tier has a workload role.
	APIServers []APIServer
	// PullConfig is the Docker configuration that pods pull images with, or nil.
	PullConfig []byte
}

// locked tells whether members may only look, and nothing new may start.
func (p *Plan) locked() bool { return p.Workspace.Spec.State != v1alpha1.StateActive }

// object is the metadata of an object of this name in the plan's namespace.
func (p *Plan) object(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: name, Namespace: p.Namespace.Name, Labels: p.labels()}
}

func (p *Plan) labels() map[string]string {
	return map[string]string{
		v1alpha1.LabelWorkspace: p.Workspace.Name,
		v1alpha1.LabelManagedBy: v1alpha1.ManagedBy,
	}
}
