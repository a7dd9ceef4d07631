package web_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// page is what the tests read of a list.
type page struct {
	Workspaces []struct {
		ID string `json:"workspace_id"`
	}
	Total    int
	Continue string
}

func (s *service) list(t *testing.T, pairs ...string) (ids []string, p page) {
	t.Helper()
	got := s.get(t, query("/workspaces", pairs...))
	if got.Status != http.StatusOK {
		t.Fatalf("%q: %d %s", pairs, got.Status, got.Body)
	}
	if err := json.Unmarshal([]byte(got.Body), &p); err != nil {
		t.Fatal(err)
	}
	for _, w := range p.Workspaces {
		ids = append(ids, w.ID)
	}
	return ids, p
}

func TestReadAPI_FiltersWorkspaces(t *testing.T) {
	suspended := ready("paused", 2, metav1.ConditionTrue, v1alpha1.ReasonSuspended)
	suspended.Spec.State, suspended.Spec.Tier, suspended.Spec.Description = v1alpha1.StateSuspended, "large", "FRAUD too"
	s := newService(t, suspended, fraud(), ready("broken", 1, metav1.ConditionFalse, v1alpha1.ReasonConflict))
	for filter, want := range map[string]string{
		"state=Active": "broken fraud", "state=Suspended,Active": "broken fraud paused", "state=Deleted": "",
		"tier=large": "paused", "tier=small": "", "ready=false": "broken", "ready=true": "fraud paused",
		"reason=Conflict": "broken", "reason=Conflict,Suspended": "broken paused", "owner=ana@company.com": "fraud", "owner=ana": "",
		"label=cost-center=42": "fraud", "label=cost-center!=42": "broken paused", "label=cost-center in (41,42)": "fraud",
		"q=fraud": "fraud paused", "q=BROK": "broken", "q=ana@": "fraud", "q=": "broken fraud paused",
		"sort=created": "fraud broken paused", "sort=-created": "paused broken fraud", "sort=-name": "paused fraud broken",
		"sort=reason": "broken fraud paused", "sort=state": "broken fraud paused", "sort=-tier": "fraud broken paused",
		"sort=owner": "broken paused fraud", "sort=changed": "fraud broken paused",
	} {
		name, value, _ := strings.Cut(filter, "=")
		ids, p := s.list(t, name, value)
		if got := strings.Join(ids, " "); got != want || p.Total != len(ids) {
			t.Errorf("%s: got %q of %d, want %q", filter, got, p.Total, want)
		}
	}
	if ids, _ := s.list(t, "tier", "standard", "ready", "true"); !slices.Equal(ids, []string{"fraud"}) {
		t.Errorf("two filters: %q", ids)
	}
}

// TestReadAPI_PagesWorkspaces: every workspace is on one page, also if others come and go meanwhile.
func TestReadAPI_PagesWorkspaces(t *testing.T) {
	for _, sort := range []string{"name", "-name", "created", "-created", "tier"} {
		s := newService(t)
		for i := range 10 {
			s.cached.workspaces = append(s.cached.workspaces, ready(fmt.Sprintf("w%d", i), i/3, metav1.ConditionTrue, "Ready"))
		}
		all, _ := s.list(t, "sort", sort)
		var paged []string
		for next := ""; ; {
			ids, p := s.list(t, "sort", sort, "limit", "4", "continue", next)
			paged = append(paged, ids...)
			if next = p.Continue; next == "" {
				break
			}
			if sort == "tier" {
				continue // all stay
			}
			last := ids[len(ids)-1] // where the next page begins
			s.cached.workspaces = slices.DeleteFunc(s.cached.workspaces, func(w v1alpha1.Workspace) bool { return w.Name == last })
		}
		if diff := cmp.Diff(all, paged); diff != "" {
			t.Errorf("by %s (-all +paged):\n%s", sort, diff)
		}
	}
}

func TestReadAPI_BoundsPages(t *testing.T) {
	s := newService(t)
	for i := range 501 {
		s.cached.workspaces = append(s.cached.workspaces, ready(fmt.Sprintf("w%d", i), i, metav1.ConditionTrue, "Ready"))
	}
	for limit, want := range map[string]int{"": 100, "500": 500, "1": 1} {
		if ids, p := s.list(t, "limit", limit); len(ids) != want || p.Total != 501 || p.Continue == "" {
			t.Errorf("limit %q: %d of %d", limit, len(ids), p.Total)
		}
	}
}

func TestReadAPI_RefusesParameters(t *testing.T) {
	s := newService(t, fraud(), ready("other", 1, metav1.ConditionTrue, "Ready"))
	_, first := s.list(t, "limit", "1")
	for path, want := range map[string]string{
		query("/workspaces", "limit", "501"):                                       "limit must be a number from 1 to 500",
		query("/workspaces", "limit", "0"):                                         "limit must be a number from 1 to 500",
		query("/workspaces", "limit", "ten"):                                       "limit must be a number from 1 to 500",
		query("/workspaces", "state", "active"):                                    "state must be one of Active, Suspended, Deleted",
		query("/workspaces", "ready", "True"):                                      "ready must be one of true, false",
		query("/workspaces", "sort", "age"):                                        "sort must be one of changed, created,",
		query("/workspaces", "label", "a=b=c"):                                     "label must be a label selector",
		query("/workspaces", "continue", "x"):                                      "continue must be that of the page before",
		query("/workspaces", "continue", first.Continue, "sort", "tier"):           "continue must be that of the page before",
		query("/workspaces", "watch", "yes"):                                       "watch must be one of true, false",
		query("/workspaces", "watch", "true", "limit", "1"):                        "there is no parameter limit",
		query("/workspaces", "q", strings.Repeat("x", 4096)):                       "the parameters are longer than 4096 bytes",
		query("/workspaces", "limit", "x", "ready", "x"):                           "ready must be one of true, false; limit must be",
		"/workspaces?q=a&q=b":                                                      "q is given twice",
		query("/workspaces/fraud", "watch", "true"):                                "there is no parameter watch",
		query("/workspaces/fraud/events", "limit", "1"):                            "there is no parameter limit",
		query("/tiers", "sort", "cpu"):                                             "sort must be one of name",
		query("/tiers/small", "q", "x"):                                            "there is no parameter q",
		query("/workspaces", strings.Repeat("\u202e", 20), strings.Repeat("x", 9)): "there is no parameter \ufffd",
	} {
		if got := s.get(t, path); got.Status != http.StatusBadRequest || !strings.Contains(got.Body, want) {
			t.Errorf("%s: %d %s", path, got.Status, got.Body)
		}
	}
}
