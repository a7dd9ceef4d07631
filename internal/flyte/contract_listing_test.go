package flyte_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/admin"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
)

func listingContract(t *testing.T, f flyteServer) {
	t.Helper()
	a, b, c := f.newID(t), f.newID(t), f.newID(t)
	f.register(t, &admin.Project{Id: a, Name: "n"})
	f.register(t, &admin.Project{Id: b, Name: "a%b"})
	f.register(t, &admin.Project{Id: c, Name: "n", State: admin.Project_ARCHIVED})
	all := sorted(a, b, c)
	these := "value_in(identifier," + strings.Join(all, ";") + ")"

	tests := map[string]struct {
		filters string
		want    []string
	}{
		"by id":                  {"eq(project.identifier," + a + ")", []string{a}},
		"archived by id":         {"eq(identifier," + c + ")", []string{c}},
		"by ids, archived too":   {these, all},
		"one value":              {"value_in(identifier," + b + ")", []string{b}},
		"by state active":        {these + "+eq(state,0)", sorted(a, b)},
		"by state archived":      {these + "+eq(state,1)", []string{c}},
		"by state, not archived": {these + "+ne(state,1)", sorted(a, b)},
		"by part of the name":    {these + "+contains(name,%)", all},
		"by pattern of the name": {these + "+contains(name,a_b)", []string{b}},
		"any state":              {these + "+ne(identifier,-)", all},
		"none":                   {"eq(identifier," + f.newID(t) + ")", nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, token := f.list(t, &admin.ProjectListRequest{Limit: 10, Filters: test.filters})
			if diff := cmp.Diff(test.want, got); diff != "" || token != "" {
				t.Errorf("ids differ (-want +got), or a last page has a token %q:\n%s", token, diff)
			}
		})
	}
	t.Run("PagesUntilNoToken", func(t *testing.T) {
		request := &admin.ProjectListRequest{Limit: 2, Filters: these}
		first, token := f.list(t, request)
		request.Token = token
		second, last := f.list(t, request)
		if diff := cmp.Diff(all, slices.Concat(first, second)); diff != "" || token != "2" || last != "" {
			t.Errorf("tokens are %q and %q, ids differ (-want +got):\n%s", token, last, diff)
		}
	})
	t.Run("FullLastPageHasToken", func(t *testing.T) {
		if _, token := f.list(t, &admin.ProjectListRequest{Limit: 3, Filters: these}); token != "3" {
			t.Errorf("token is %q, want 3", token)
		}
		if rest, token := f.list(t, &admin.ProjectListRequest{Limit: 3, Filters: these, Token: "3"}); rest != nil || token != "" {
			t.Errorf("the page after it is %v, token %q, want nothing", rest, token)
		}
	})
	t.Run("SortsDescending", func(t *testing.T) {
		sort := &admin.Sort{Key: "identifier", Direction: admin.Sort_DESCENDING}
		got, _ := f.list(t, &admin.ProjectListRequest{Limit: 10, Filters: these, SortBy: sort})
		slices.Reverse(got)
		if diff := cmp.Diff(all, got); diff != "" {
			t.Errorf("ids differ (-want +got):\n%s", diff)
		}
	})
	t.Run("HidesArchivedWithoutFilter", func(t *testing.T) {
		got, _ := f.list(t, &admin.ProjectListRequest{})
		if !slices.Contains(got, a) || slices.Contains(got, c) {
			t.Errorf("listing has the active project: %v, the archived one: %v", slices.Contains(got, a), slices.Contains(got, c))
		}
	})
	listingRefusals(t, f)
}

func listingRefusals(t *testing.T, f flyteServer) {
	t.Helper()
	refused := map[string]*admin.ProjectListRequest{
		"filter form":     {Filters: "identifier=x"},
		"filter column":   {Filters: "eq(nonsense,x)"},
		"filter function": {Filters: "like(identifier,x)"},
		"token":           {Token: "x"},
		"negative token":  {Token: "-1"},
		"sort key":        {SortBy: &admin.Sort{Key: "nonsense"}},
	}
	for name, request := range refused {
		t.Run("Refuses "+name, func(t *testing.T) {
			request.Limit = 1
			_, err := f.v1.ListProjects(t.Context(), request)
			wantCode(t, codes.InvalidArgument, err)
		})
	}
}

func (f flyteServer) list(t *testing.T, request *admin.ProjectListRequest) (ids []string, token string) {
	t.Helper()
	response, err := f.v1.ListProjects(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	for _, project := range response.GetProjects() {
		ids = append(ids, project.GetId())
	}
	return ids, response.GetToken()
}

func sorted(ids ...string) []string { return slices.Sorted(slices.Values(ids)) }
