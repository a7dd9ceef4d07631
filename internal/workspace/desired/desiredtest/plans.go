// Package desiredtest has plans for tests.
package desiredtest

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
	"platform.company.com/workspace-flyte-integration/internal/workspace/desired"
)

// Plan is the plan of an active workspace with members of all kinds, in a namespace of this name.
func Plan(namespace string) *desired.Plan {
	return &desired.Plan{
		CopiesPullSecrets: true,
		Cluster: &desired.Cluster{
			FlyteNamespace: "flyte-system", FlytePorts: []int32{81, 9000},
			DNSCIDRs: []string{"169.254.20.10/32"}, ExceptCIDRs: []string{"10.0.0.0/8", "fd12::/16"},
		},
		Namespace:  workspace.Namespace{Name: namespace},
		ConsoleURL: "https://flyte.company.com/console/projects/ws-001",
		Workspace: &v1alpha1.Workspace{ObjectMeta: metav1.ObjectMeta{Name: "ws-001"}, Spec: v1alpha1.WorkspaceSpec{
			DisplayName: "Fraud detection", Owner: "ana@company.com", Tier: "standard", Version: 7, State: v1alpha1.StateActive,
			Quota:  v1alpha1.Quota{CPU: "40", Memory: "160Gi", Pods: "200"},
			Labels: map[string]v1alpha1.LabelValue{"cost-center": "42", "team.company.com/unit": ""},
			Members: []v1alpha1.Member{
				{Kind: v1alpha1.MemberUser, Name: "ana@company.com", Role: v1alpha1.RoleAdmin},
				{Kind: v1alpha1.MemberGroup, Name: "ml-team", Role: v1alpha1.RoleEditor},
				{Kind: v1alpha1.MemberServiceAccount, Name: "ci", Role: v1alpha1.RoleEditor},
				{Kind: v1alpha1.MemberGroup, Name: "ml-team", Role: v1alpha1.RoleEditor},
				{Kind: v1alpha1.MemberGroup, Name: "auditors", Role: v1alpha1.RoleViewer},
			},
		}},
		Tier: &v1alpha1.WorkspaceTier{ObjectMeta: metav1.ObjectMeta{Name: "standard"}, Spec: v1alpha1.WorkspaceTierSpec{
			Quota: v1alpha1.TierQuota{
				Default: v1alpha1.TierAmounts{Quota: v1alpha1.Quota{CPU: "20", Memory: "64Gi", Storage: "1Ti", Pods: "100"}},
				Maximum: v1alpha1.TierAmounts{Quota: v1alpha1.Quota{CPU: "64", Memory: "256Gi", GPU: "0"}},
			},
			LimitRange: v1alpha1.LimitRange{
				Default:        v1alpha1.ComputeResources{CPU: "1", Memory: "1Gi"},
				DefaultRequest: v1alpha1.ComputeResources{CPU: "0.1"},
				Min:            v1alpha1.ComputeResources{Memory: "16Mi"},
				Max:            v1alpha1.ComputeResources{CPU: "16", Memory: "64Gi"},
			},
		}},
	}
}

// Variants are changes to Plan, by name.
func Variants() map[string]func(*desired.Plan) {
	return map[string]func(*desired.Plan){
		"active":     func(*desired.Plan) {},
		"suspended":  func(p *desired.Plan) { p.Workspace.Spec.State = v1alpha1.StateSuspended },
		"deleted":    func(p *desired.Plan) { p.Workspace.Spec.State = v1alpha1.StateDeleted },
		"no-members": func(p *desired.Plan) { p.Workspace.Spec.Members, p.Workspace.Spec.Labels = nil, nil },
		"per-domain": func(p *desired.Plan) { p.Namespace.Domain = "production" },
		"gpu": func(p *desired.Plan) {
			p.Workspace.Spec.Quota.GPU, p.Tier.Spec.GPUResource, p.Tier.Spec.Quota.Maximum.GPU = "4", "amd.com/gpu", "8"
		},
		"clamped": func(p *desired.Plan) {
			p.Tier.Spec.Quota.Maximum.Quota = v1alpha1.Quota{CPU: "8", Memory: "1.5Gi", Pods: "200"}
		},
		"bare-tier": func(p *desired.Plan) {
			p.Workspace.Spec.Quota, p.Tier.Spec = v1alpha1.Quota{}, v1alpha1.WorkspaceTierSpec{}
			p.Cluster = &desired.Cluster{FlyteNamespace: "flyte"}
		},
		"rich-tier": func(p *desired.Plan) { p.Namespace.Domain, p.Tier.Spec = "production", RichTier() },
		"workload": func(p *desired.Plan) {
			p.APIServers = []desired.APIServer{{CIDRs: []v1alpha1.OpenCIDR{"10.9.0.1/32"}, Ports: []int32{6443}}}
			p.PullConfig = []byte(`{"auths":{"registry.company.com":{"auth":"YTpi"}}}`)
			p.Tier.Spec.Workload = v1alpha1.TierWorkload{Role: v1alpha1.WorkloadSpark, PodTemplate: &v1alpha1.TierPodTemplate{
				Labels: map[string]v1alpha1.LabelValue{"team": "fraud"}, Annotations: map[string]string{"karpenter.sh/do-not-disrupt": "true"},
				NodeSelector: map[string]v1alpha1.LabelValue{"pool": "gpu"}, PriorityClassName: "batch", RuntimeClassName: "gvisor",
				Tolerations: []v1alpha1.Toleration{
					{Key: "gpu", Operator: corev1.TolerationOpExists, TolerationSeconds: new(int64(5)), Effect: corev1.TaintEffectNoExecute},
				},
				Restricted: true, RunAsUser: new(int64(1000)), FSGroup: new(int64(2000)),
			}}
		},
		"bare-template": func(p *desired.Plan) {
			p.Tier.Spec.Workload.PodTemplate = &v1alpha1.TierPodTemplate{SchedulerName: "yunikorn"}
		},
		"devices": func(p *desired.Plan) {
			p.Workspace.Spec.Quota.Extra = v1alpha1.ExtraAmounts{"requests.amd.com/gpu": "2", "count/jobs.batch": "10"}
			p.Tier.Spec.DenyOtherDevices = true
			p.Tier.Spec.Quota.Maximum.Extra = v1alpha1.ExtraAmounts{"requests.amd.com/gpu": "1"}
		},
		"priority-classes": func(p *desired.Plan) {
			p.Namespace.Domain = "production"
			p.Tier.Spec.Quota.PriorityClasses = map[string]v1alpha1.PodAmounts{
				"high": {CPU: "4", Memory: "16Gi", GPU: "1", Pods: "10"}, "low": {Pods: "100"},
			}
			p.Tier.Spec.Domains = map[string]v1alpha1.TierDomain{"production": {Quota: v1alpha1.TierQuota{
				PriorityClasses: map[string]v1alpha1.PodAmounts{"high": {CPU: "8"}, "urgent": {Pods: "1"}},
			}}}
		},
		"restricted": func(p *desired.Plan) { p.Tier.Spec.PodSecurity.Enforce = v1alpha1.PodSecurityRestricted },
	}
}

// RichTier sets every field of a tier.
func RichTier() v1alpha1.WorkspaceTierSpec {
	return v1alpha1.WorkspaceTierSpec{
		GPUResource: "nvidia.com/gpu",
		Quota: v1alpha1.TierQuota{
			Default: v1alpha1.TierAmounts{Quota: v1alpha1.Quota{CPU: "20", Memory: "64Gi"}, Services: "10", PersistentVolumeClaims: "20"},
			Maximum: v1alpha1.TierAmounts{Quota: v1alpha1.Quota{CPU: "64", GPU: "4"}},
		},
		Domains: map[string]v1alpha1.TierDomain{"production": {Quota: v1alpha1.TierQuota{
			Maximum: v1alpha1.TierAmounts{Quota: v1alpha1.Quota{CPU: "32"}},
		}}},
		LimitRange: v1alpha1.LimitRange{
			Default: v1alpha1.ComputeResources{CPU: "1"}, DefaultRequest: v1alpha1.ComputeResources{CPU: "500m"},
			MaxLimitRequestRatio: v1alpha1.ComputeResources{CPU: "4"},
		},
		Namespace: v1alpha1.TierNamespace{
			Labels:          map[string]v1alpha1.LabelValue{"company.com/tier": "rich", "cost-center": "of-the-tier"},
			WorkspaceLabels: []string{"cost-center", "team.company.com/unit", "absent"},
			Annotations:     v1alpha1.Annotations{"company.com/console": "https://c/{workspace}/{domain}"},
		},
		ServiceAccount: v1alpha1.TierServiceAccount{Annotations: v1alpha1.Annotations{
			"eks.amazonaws.com/role-arn":     "arn:aws:iam::123456789012:role/{namespace}",
			"iam.gke.io/gcp-service-account": "{workspace}-{domain}@project.iam.gserviceaccount.com",
		}},
		Network: v1alpha1.TierNetwork{
			MetadataServer: true, EKSPodIdentity: true,
			KubeAPI: []v1alpha1.OpenCIDR{"10.0.0.0/24"}, PrivateEndpoints: []v1alpha1.OpenCIDR{"10.1.0.0/16", "fd12:1::/64"},
			Egress: []v1alpha1.EgressRule{{
				CIDR: "10.2.0.0/16", Except: []v1alpha1.CIDR{"10.2.3.0/24"},
				Ports: []v1alpha1.NetworkPort{{Protocol: "TCP", Port: 5432}, {Protocol: "UDP", Port: 8000, EndPort: 8010}},
			}, {CIDR: "192.168.0.0/16"}},
			Namespaces: []v1alpha1.NamespacePods{{
				Namespace: "databases", PodLabels: v1alpha1.PodLabels{"app": "postgres"}, Ports: []v1alpha1.NetworkPort{{Port: 5432}},
			}},
			Scrapers: []v1alpha1.NamespacePods{{
				Namespace: "monitoring", PodLabels: v1alpha1.PodLabels{"app": "prometheus"}, Ports: []v1alpha1.NetworkPort{{Port: 9090}},
			}},
		},
	}
}

// Children are all objects in the plan's namespace.
func Children(p *desired.Plan) (all []client.Object) {
	for _, part := range []desired.Part{p.Quota(), p.Access(), p.Workload(), p.Network(), p.Config()} {
		all = append(all, part.Objects...)
	}
	return all
}

// Objects are the Namespace and its children.
func Objects(p *desired.Plan) []client.Object {
	return append([]client.Object{p.NamespaceObject()}, Children(p)...)
}
