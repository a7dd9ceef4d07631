package store

import (
	"fmt"
	"strings"
	"testing"

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
