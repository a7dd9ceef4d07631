package k8s

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/yaml"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// samplePlan is of an active workspace with members of all kinds, in a namespace of this name.
func samplePlan(namespace string) *Plan {
	return &Plan{
		Cluster: &Cluster{
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

// plans are the samples with one thing changed, by what that is.
func plans() map[string]func(*Plan) {
	return map[string]func(*Plan){
		"active":     func(*Plan) {},
		"suspended":  func(p *Plan) { p.Workspace.Spec.State = v1alpha1.StateSuspended },
		"deleted":    func(p *Plan) { p.Workspace.Spec.State = v1alpha1.StateDeleted },
		"no-members": func(p *Plan) { p.Workspace.Spec.Members, p.Workspace.Spec.Labels = nil, nil },
		"per-domain": func(p *Plan) { p.Namespace.Domain = "production" },
		"gpu": func(p *Plan) {
			p.Workspace.Spec.Quota.GPU, p.Tier.Spec.GPUResource, p.Tier.Spec.Quota.Maximum.GPU = "4", "amd.com/gpu", "8"
		},
		"clamped": func(p *Plan) {
			p.Tier.Spec.Quota.Maximum.Quota = v1alpha1.Quota{CPU: "8", Memory: "1.5Gi", Pods: "200"}
		},
		"bare-tier": func(p *Plan) {
			p.Workspace.Spec.Quota, p.Tier.Spec, p.Cluster = v1alpha1.Quota{}, v1alpha1.WorkspaceTierSpec{}, &Cluster{FlyteNamespace: "flyte"}
		},
		"rich-tier": func(p *Plan) { p.Namespace.Domain, p.Tier.Spec = "production", richTier() },
		"workload": func(p *Plan) {
			p.APIServers = []APIServer{{CIDRs: []v1alpha1.OpenCIDR{"10.9.0.1/32"}, Ports: []int32{6443}}}
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
		"bare-template": func(p *Plan) { p.Tier.Spec.Workload.PodTemplate = &v1alpha1.TierPodTemplate{SchedulerName: "yunikorn"} },
		"restricted":    func(p *Plan) { p.Tier.Spec.PodSecurity.Enforce = v1alpha1.PodSecurityRestricted },
	}
}

// children are all objects in the plan's namespace.
func (p *Plan) children() []client.Object {
	objects, _ := p.QuotaObjects()
	bindings, _ := p.AccessObjects()
	objects = append(objects, bindings...)
	workload, _ := p.WorkloadObjects(&PullSecrets{})
	objects = append(objects, workload...)
	return append(objects, p.NetworkPolicy(), p.WorkloadIdentity(), p.ConfigObject())
}

func TestPlan_MakesTheGoldenObjects(t *testing.T) {
	for name, change := range plans() {
		t.Run(name, func(t *testing.T) {
			p := samplePlan("flyte-ws-001")
			change(p)
			got := manifests(t, append([]client.Object{p.NamespaceObject()}, p.children()...))
			golden := filepath.Join("testdata", name+".yaml")
			if *update {
				must(t, os.WriteFile(golden, got, 0o600))
			}
			want, err := os.ReadFile(golden)
			must(t, err)
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// manifests are the objects as kubectl would show them.
func manifests(t testing.TB, objects []client.Object) []byte {
	t.Helper()
	scheme, err := NewScheme()
	must(t, err)
	var b bytes.Buffer
	for _, o := range objects {
		o = o.DeepCopyObject().(client.Object)
		gvk, err := apiutil.GVKForObject(o, scheme)
		must(t, err)
		o.GetObjectKind().SetGroupVersionKind(gvk)
		text, err := yaml.Marshal(o)
		must(t, err)
		b.WriteString("---\n")
		b.Write(text)
	}
	return b.Bytes()
}

func TestPlan_TellsWhatTheMaximumLowered(t *testing.T) {
	p := samplePlan("flyte-ws-001")
	plans()["clamped"](p)
	if _, clamped := p.QuotaObjects(); cmp.Diff([]string{"cpu", "memory"}, clamped) != "" {
		t.Errorf("got %v", clamped)
	}
}

func TestPlan_ListsTheBindingsThatMustNotBe(t *testing.T) {
	tests := map[string][2][]string{
		"active":     {{"workspace-admin", "workspace-editor", "workspace-viewer"}, {"workspace-workload"}},
		"suspended":  {{"workspace-viewer"}, {"workspace-admin", "workspace-editor", "workspace-workload"}},
		"deleted":    {{"workspace-viewer"}, {"workspace-admin", "workspace-editor", "workspace-workload"}},
		"no-members": {nil, {"workspace-admin", "workspace-editor", "workspace-viewer", "workspace-workload"}},
		"workload":   {{"workspace-admin", "workspace-editor", "workspace-viewer", "workspace-workload"}, nil},
	}
	for name, want := range tests {
		t.Run(name, func(t *testing.T) {
			p := samplePlan("flyte-ws-001")
			plans()[name](p)
			bindings, unused := p.AccessObjects()
			if diff := cmp.Diff(want, [2][]string{names(bindings), names(unused)}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func names(objects []client.Object) (all []string) {
	for _, o := range objects {
		all = append(all, o.GetName())
	}
	return all
}

// A door that was left open must not open the namespace.
func TestPlan_NeverBindsTheSystem(t *testing.T) {
	p := samplePlan("flyte-ws-001")
	p.Workspace.Spec.Members = []v1alpha1.Member{
		{Kind: v1alpha1.MemberGroup, Name: "system:unauthenticated", Role: v1alpha1.RoleAdmin},
		{Kind: v1alpha1.MemberServiceAccount, Name: "system:serviceaccount:kube-system:default", Role: v1alpha1.RoleAdmin},
	}
	if bindings, _ := p.AccessObjects(); len(bindings) > 0 {
		t.Errorf("bound %s", manifests(t, bindings))
	}
}

// The order of members, and repeats among them, must not look like drift.
func TestPlan_DoesNotFollowTheOrderOfMembers(t *testing.T) {
	p, q := samplePlan("flyte-ws-001"), samplePlan("flyte-ws-001")
	members := q.Workspace.Spec.Members
	q.Workspace.Spec.Members = append([]v1alpha1.Member{members[4], members[2], members[1], members[0]}, members...)
	if diff := cmp.Diff(string(manifests(t, p.children())), string(manifests(t, q.children()))); diff != "" {
		t.Error(diff)
	}
}
