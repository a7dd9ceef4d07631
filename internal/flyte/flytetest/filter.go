package flytetest

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/admin"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// filterForm is function(field,value), with values separated by semicolons and filters by plus signs
// (flyteadmin/pkg/manager/impl/util/filters.go).
var filterForm = regexp.MustCompile(`(.+)\((.+),\s?(.+)\)`)

// column knows what can be filtered and sorted by here; FlyteAdmin has its bookkeeping columns as well
// (flyteadmin/pkg/repositories/models/project.go).
func column(p Project, name string) (value string, ok bool) {
	switch name {
	case "identifier":
		return p.ID, true
	case "name":
		return p.Name, true
	case "description":
		return p.Description, true
	case "state":
		return strconv.Itoa(int(p.State)), true
	}
	return "", false
}

// parseFilters answers all that match every filter. Without any filter archived projects are left out; with one, whatever it is,
// they are not (flyteadmin/pkg/repositories/gormimpl/project_repo.go).
func parseFilters(filters string) (func(Project) bool, error) {
	if filters == "" {
		return func(p Project) bool { return p.State != admin.Project_ARCHIVED }, nil
	}
	var all []func(Project) bool
	for expression := range strings.SplitSeq(filters, "+") {
		matches, err := parseFilter(expression)
		if err != nil {
			return nil, err
		}
		all = append(all, matches)
	}
	return func(p Project) bool {
		return !slices.ContainsFunc(all, func(matches func(Project) bool) bool { return !matches(p) })
	}, nil
}

func parseFilter(expression string) (func(Project) bool, error) {
	parts := filterForm.FindStringSubmatch(expression)
	if parts == nil {
		return nil, status.Error(codes.InvalidArgument, "invalid value for filters")
	}
	function, values := parts[1], strings.Split(parts[3], ";")
	field := strings.TrimPrefix(parts[2], "project.")
	if _, ok := column(Project{}, field); !ok {
		return nil, status.Errorf(codes.InvalidArgument, "'project.%s' is invalid filter", field)
	}
	compare, ok := comparison(function)
	if !ok {
		return nil, status.Errorf(codes.InvalidArgument, "unrecognized filter function: %s", function)
	}
	if function != "value_in" && len(values) > 1 {
		// PostgreSQL compares no column with a list; its error has no code of FlyteAdmin's.
		return nil, status.Error(codes.Unknown, "failed database operation")
	}
	return func(p Project) bool {
		value, _ := column(p, field)
		return compare(value, values)
	}, nil
}

// comparison knows the functions of flyteadmin/pkg/common/filters.go that make sense of text; gt, gte, lt and lte are left out.
func comparison(function string) (func(value string, wanted []string) bool, bool) {
	switch function {
	case "eq":
		return func(value string, wanted []string) bool { return value == wanted[0] }, true
	case "ne":
		return func(value string, wanted []string) bool { return value != wanted[0] }, true
	case "contains":
		return func(value string, wanted []string) bool { return like(value, wanted[0]) }, true
	case "value_in":
		return func(value string, wanted []string) bool { return slices.Contains(wanted, value) }, true
	}
	return nil, false
}

// like is PostgreSQL's LIKE with the pattern between two percent signs, which may have wildcards of its own.
func like(value, pattern string) bool {
	form := strings.NewReplacer("%", ".*", "_", ".").Replace(regexp.QuoteMeta(pattern))
	return regexp.MustCompile("(?s)" + form).MatchString(value)
}

// parseSort sorts by id unless told otherwise (flyteadmin/pkg/common/sorting.go).
func parseSort(sort *admin.Sort) (func(a, b Project) int, error) {
	if sort == nil {
		sort = &admin.Sort{Key: "identifier", Direction: admin.Sort_ASCENDING}
	}
	if _, ok := column(Project{}, sort.GetKey()); !ok {
		return nil, status.Errorf(codes.InvalidArgument, "invalid sort key '%s'", sort.GetKey())
	}
	return func(a, b Project) int {
		left, _ := column(a, sort.GetKey())
		right, _ := column(b, sort.GetKey())
		if sort.GetDirection() == admin.Sort_DESCENDING {
			return cmp.Compare(right, left)
		}
		return cmp.Compare(left, right)
	}, nil
}
