package desired

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// Cluster is the configuration of the cluster that the objects of all workspaces depend on.
type Cluster struct {
	// FlyteNamespace is where Flyte runs, and FlytePorts are the TCP ports that workspaces may reach there.
	FlyteNamespace string
	FlytePorts     []int32
	// DNSCIDRs are addresses of DNS that selectors can't reach, such as node-local DNS (kubernetes#70555). Port 53 is open
	// there, even at a metadata address: GKE's Cloud DNS answers at one.
	DNSCIDRs []string
	// ExceptCIDRs can't be reached from workspaces, nor can the metadata addresses of the clouds.
	ExceptCIDRs []string
}

// Plan is all input for the objects in one namespace of a workspace. The same plan gives the same objects, with the API server's
// defaults filled in, so that their hashes can be compared.
type Plan struct {
	Cluster   *Cluster
	Workspace *v1alpha1.Workspace
	Tier      *v1alpha1.WorkspaceTier
	Namespace workspace.Namespace
	// Domains are all Flyte domains that have a namespace of their own.
	Domains    []string
	ConsoleURL string
	// APIServers are where pods reach the Kubernetes API. They are opened if the tier has a workload role.
	APIServers []APIServer
	// PullConfig is the Docker configuration that pods pull images with, or nil.
	PullConfig []byte
	// QueueLabel says that the Namespace is labelled with its queue, and QueueLive that a live queue bounds what its pods request,
	// instead of the ResourceQuota.
	QueueLabel, QueueLive bool
	// CopiesPullSecrets says that the service may read and write the copies of pull secrets.
	CopiesPullSecrets bool
}

// Part is the part of a namespace's desired set that one step applies.
type Part struct {
	// Objects must exist as they are here.
	Objects []client.Object
	// Kinds are pruned: an object of ours of these kinds that is neither in Objects nor in Keep must not exist.
	Kinds []client.Object
	// Keep are objects that stay as they are, if they exist.
	Keep []client.Object
}

// locked reports whether members have read-only access, and nothing new may start.
func (p *Plan) locked() bool { return p.Workspace.Spec.State != v1alpha1.StateActive }

// metadata is that of an object of this name in the plan's namespace.
func (p *Plan) metadata(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: name, Namespace: p.Namespace.Name, Labels: p.labels()}
}

func (p *Plan) labels() map[string]string {
	return map[string]string{
		v1alpha1.LabelWorkspace: p.Workspace.Name,
		v1alpha1.LabelManagedBy: v1alpha1.ManagedBy,
	}
}
