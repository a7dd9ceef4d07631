package store

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// The CRD must not refuse an event that the edge accepts.
func TestCRD_AcceptsWhatTheEdgeAccepts(t *testing.T) {
	k := newKube(t)
	naming, err := workspace.NewNaming("{prefix}{project}", "flyte-", nil, nil)
	must(t, err)
	rules := workspace.NewValidator(naming)
	for name, change := range edgeCases() {
		t.Run(name, func(t *testing.T) {
			e := event(workspace.EventCreated, "crd-case", workspace.MaxVersion)
			change(&e.Data)
			must(t, rules.Event(e))
			w := workspace.New(e.Data.WorkspaceID)
			_, err := workspace.Record(w, e, delivery(e))
			must(t, err)
			must(t, k.Admin.Create(t.Context(), w, client.DryRunAll))
		})
	}
}

// The edge, the CRD and Kubernetes' own validation must agree on the keys of a ResourceQuota.
func TestCRD_AgreesWithKubernetesOnQuotaKeys(t *testing.T) {
	k, admin := newKube(t), shared.Admin(t)
	naming, err := workspace.NewNaming("{prefix}{project}", "flyte-", nil, nil)
	must(t, err)
	rules := workspace.NewValidator(naming)
	for _, key := range []string{
		"requests.ephemeral-storage", "ephemeral-storage", "configmaps", "replicationcontrollers", "hugepages-2Mi", "requests.hugepages-1Gi",
		"count/jobs.batch", "count/", "/a", "a/b/c", "A/b", "a..b/c", "a/-b", "a b/c", "count.jobs", "jobs", "requests.gpu",
		"limits.hugepages-2Mi",
		"requests.nvidia.com/mig-1g.5gb", "gold.storageclass.storage.k8s.io/requests.storage", "gpu.deviceclass.resource.k8s.io/devices",
		longDomain() + "/" + strings.Repeat("k", 63), longDomain() + "d/k", "a/" + strings.Repeat("k", 64), "",
	} {
		e := event(workspace.EventCreated, "crd-key", 1)
		e.Data.Quota.Extra = v1alpha1.ExtraAmounts{key: "5"}
		w := workspace.New(e.Data.WorkspaceID)
		_, err := workspace.Record(w, e, delivery(e))
		must(t, err)
		quota := &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "tried"}}
		quota.Spec.Hard = corev1.ResourceList{corev1.ResourceName(key): resource.MustParse("5")}
		edge, crd, own := rules.Event(e), k.Admin.Create(t.Context(), w, client.DryRunAll), admin.Create(t.Context(), quota, client.DryRunAll)
		if (edge == nil) != (own == nil) || (crd == nil) != (own == nil) {
			t.Errorf("%.80q: the edge says %v, the CRD %v, Kubernetes %v", key, edge, crd, own)
		}
	}
}

// edgeCases are the furthest that the rules allow.
func edgeCases() map[string]func(*workspace.Data) {
	return map[string]func(*workspace.Data){
		"longest id":     func(d *workspace.Data) { d.WorkspaceID = strings.Repeat("a", 57) },
		"a digit as id":  func(d *workspace.Data) { d.WorkspaceID = "7" },
		"64 characters":  func(d *workspace.Data) { d.Name = strings.Repeat("🐙", 64) },
		"300 characters": func(d *workspace.Data) { d.Description = strings.Repeat("ß", 300) },
		"owner":          func(d *workspace.Data) { d.Owner = strings.Repeat("界", 253) },
		"other scripts":  func(d *workspace.Data) { d.Name = "שלום 张伟 👩\u200d🔬 \u00a0\ufffd" },
		"longest tier":   func(d *workspace.Data) { d.Tier = strings.Repeat("t", 63) },
		"quantities": func(d *workspace.Data) {
			d.Quota.CPU, d.Quota.Memory, d.Quota.Storage = "999999999.999Pi", "0.001m", "0"
		},
		"extra amounts": func(d *workspace.Data) {
			d.Quota.Extra = v1alpha1.ExtraAmounts{
				"count/configmaps": "2", "secrets": "1", "requests.ephemeral-storage": "999999999Pi", "requests.amd.com/gpu": "0",
				"requests.hugepages-2Mi": "1Gi", "gold.storageclass.storage.k8s.io/requests.storage": "1Ti",
				"gpu.deviceclass.resource.k8s.io/devices": "3", longDomain() + "/" + strings.Repeat("k", 63): "1",
			}
			for i := len(d.Quota.Extra); i < 48; i++ {
				d.Quota.Extra[fmt.Sprintf("count/kind%d.example.com", i)] = "1"
			}
		},
		"counts": func(d *workspace.Data) { d.Quota.GPU, d.Quota.Pods = "999999999", "0" },
		"label of 63": func(d *workspace.Data) {
			d.Labels = map[string]string{strings.Repeat("k", 63): strings.Repeat("v", 63)}
		},
		"label of 253 and 63": func(d *workspace.Data) {
			d.Labels = map[string]string{longDomain() + "/" + strings.Repeat("k", 63): ""}
		},
		"a label almost ours": func(d *workspace.Data) { d.Labels = map[string]string{"notk8s.io/A_b.c-1": "A_b.c-1"} },
		"members": func(d *workspace.Data) {
			d.Members = append(d.Members,
				v1alpha1.Member{Kind: "ServiceAccount", Name: v1alpha1.Text(longDomain()), Role: "viewer"},
				v1alpha1.Member{Kind: "User", Name: v1alpha1.Text(strings.Repeat("ü", 253)), Role: "admin"},
				v1alpha1.Member{Kind: "Group", Name: "eco-system:team", Role: "editor"})
		},
		"1000 members": func(d *workspace.Data) {
			for i := range 1000 {
				d.Members = append(d.Members, v1alpha1.Member{Kind: "User", Name: v1alpha1.Text(fmt.Sprintf("%0253d", i)), Role: "admin"})
			}
		},
	}
}

// longDomain is a DNS name of 253 characters.
func longDomain() string { return strings.Repeat("d.", 126) + "d" }
