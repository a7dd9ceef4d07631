package flyte_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/admin"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"

	"platform.company.com/workspace-flyte-integration/internal/flyte/flyteidl2"
)

// listingContractV2 is how any Flyte 2 lists projects.
func listingContractV2(t *testing.T, f flyteServer) {
	t.Helper()
	a, b, c := f.newID(t), f.newID(t), f.newID(t)
	f.register(t, &admin.Project{Id: a, Name: "n"})
	f.register(t, &admin.Project{Id: b, Name: "a%b"})
	f.register(t, &admin.Project{Id: c, Name: "n", State: admin.Project_ARCHIVED})
	all := sorted(a, b, c)
	these := "value_in(identifier," + strings.Join(all, ";") + ")"
	listingContentV2(t, f, these, a, b, c)
	t.Run("Pages", func(t *testing.T) {
		first, token := f.listV2(t, &flyteidl2.ListProjectsRequest{Limit: 2, Filters: these})
		second, last := f.listV2(t, &flyteidl2.ListProjectsRequest{Limit: 2, Filters: these, Token: token + "ignored"})
		if diff := cmp.Diff(all, slices.Concat(first, second)); diff != "" || token != "2" || last != "" {
			t.Errorf("tokens are %q and %q, ids differ (-want +got):\n%s", token, last, diff)
		}
		if _, token := f.listV2(t, &flyteidl2.ListProjectsRequest{Limit: 3, Filters: these}); token != "3" {
			t.Errorf("the token of a full last page is %q, want 3", token)
		}
		if rest, token := f.listV2(t, &flyteidl2.ListProjectsRequest{Limit: 3, Filters: these, Token: "3"}); rest != nil || token != "" {
			t.Errorf("the page after it is %v, token %q, want nothing", rest, token)
		}
	})
	t.Run("ListsAllWithoutALimit", func(t *testing.T) {
		var many []string
		for range 60 {
			id := f.newID(t)
			f.register(t, &admin.Project{Id: id, Name: "n"})
			many = append(many, id)
		}
		request := &flyteidl2.ListProjectsRequest{Filters: "value_in(identifier," + strings.Join(many, ";") + ")"}
		for _, limit := range []uint32{0, 1_000_000} {
			request.Limit = limit
			if got, token := f.listV2(t, request); token != "" || len(got) != len(many) {
				t.Errorf("limit %d: %d of %d projects and the token %q", limit, len(got), len(many), token)
			}
		}
	})
	t.Run("SortsDescendingByDefault", func(t *testing.T) {
		got, _ := f.listV2(t, &flyteidl2.ListProjectsRequest{Filters: these, SortBy: &flyteidl2.Sort{Key: "identifier"}})
		slices.Reverse(got)
		if diff := cmp.Diff(all, got); diff != "" {
			t.Errorf("ids differ (-want +got):\n%s", diff)
		}
	})
	listingRefusalsV2(t, f)
}

func listingContentV2(t *testing.T, f flyteServer, these, a, b, c string) {
	t.Helper()
	tests := map[string]struct {
		filters string
		want    []string
	}{
		"by id, archived":        {"eq(identifier," + c + ")", []string{c}},
		"by ids":                 {these, sorted(a, b, c)},
		"by ids, with blanks":    {" Value_In ( identifier , " + a + " ; " + b + ") ", sorted(a, b)},
		"not one":                {these + "+ne(identifier," + a + ")", sorted(b, c)},
		"by state active":        {these + "+eq(state,0)", sorted(a, b)},
		"by state archived":      {these + "+value_in(state,1;2)", []string{c}},
		"by part of the name":    {these + "+contains(name,%)", sorted(a, b, c)},
		"by pattern of the name": {these + "+contains(name,a_b)", []string{b}},
		"by two values":          {"eq(identifier," + a + ";" + b + ")", nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, _ := f.listV2(t, &flyteidl2.ListProjectsRequest{Filters: test.filters})
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("ids differ (-want +got):\n%s", diff)
			}
		})
	}
	for filters, wantArchived := range map[string]bool{"": false, " ": true, "ne(identifier,-)": true} {
		t.Run("archived with filter <"+filters+">", func(t *testing.T) {
			got, _ := f.listV2(t, &flyteidl2.ListProjectsRequest{Filters: filters})
			if !slices.Contains(got, a) || slices.Contains(got, c) != wantArchived {
				t.Errorf("the listing has the active project: %v, the archived one: %v", slices.Contains(got, a), slices.Contains(got, c))
			}
			if diff := cmp.Diff(sorted(got...), got); diff != "" {
				t.Errorf("not sorted (-want +got):\n%s", diff)
			}
		})
	}
}

func listingRefusalsV2(t *testing.T, f flyteServer) {
	t.Helper()
	refused := map[string]struct {
		request *flyteidl2.ListProjectsRequest
		want    codes.Code
	}{
		"filter form":       {&flyteidl2.ListProjectsRequest{Filters: "identifier=x"}, codes.InvalidArgument},
		"filter arguments":  {&flyteidl2.ListProjectsRequest{Filters: "eq(identifier)"}, codes.InvalidArgument},
		"filter column":     {&flyteidl2.ListProjectsRequest{Filters: "ne(project.identifier,-)"}, codes.InvalidArgument},
		"filter function":   {&flyteidl2.ListProjectsRequest{Filters: "like(identifier,x)"}, codes.InvalidArgument},
		"state as text":     {&flyteidl2.ListProjectsRequest{Filters: "eq(state,x)"}, codes.Internal},
		"part of the state": {&flyteidl2.ListProjectsRequest{Filters: "contains(state,1)"}, codes.Internal},
		"token":             {&flyteidl2.ListProjectsRequest{Token: "x"}, codes.InvalidArgument},
		"negative token":    {&flyteidl2.ListProjectsRequest{Token: "-1"}, codes.InvalidArgument},
		"sort key":          {&flyteidl2.ListProjectsRequest{SortBy: &flyteidl2.Sort{Key: "nonsense"}}, codes.InvalidArgument},
	}
	for name, test := range refused {
		t.Run("Refuses "+name, func(t *testing.T) {
			test.request.Limit = 1
			_, err := f.v2.ListProjects(t.Context(), test.request)
			wantCode(t, test.want, err)
		})
	}
}

// listV2 sorts by id by default: Flyte 2 promises no order.
func (f flyteServer) listV2(t *testing.T, request *flyteidl2.ListProjectsRequest) (ids []string, token string) {
	t.Helper()
	if request.GetSortBy() == nil {
		request.SortBy = &flyteidl2.Sort{Key: "identifier", Direction: flyteidl2.Sort_ASCENDING}
	}
	response, err := f.v2.ListProjects(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	for _, project := range response.GetProjects().GetProjects() {
		ids = append(ids, project.GetId())
	}
	return ids, response.GetProjects().GetToken()
}
