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

// filter reports whether a listing includes a project.
type filter func(Project) bool

// column returns what can be filtered and sorted by in the double; FlyteAdmin has its timestamps, too
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

// parseFilters requires every filter of the expressions, which plus signs separate. Only without any expression, archived projects are
// left out (flyteadmin/pkg/repositories/gormimpl/project_repo.go, runs/service/project_service.go).
func parseFilters(expressions string, parse func(string) (filter, error)) (filter, error) {
	if expressions == "" {
		return func(p Project) bool { return p.State != admin.Project_ARCHIVED }, nil
	}
	var filters []filter
	for expression := range strings.SplitSeq(expressions, "+") {
		matches, err := parse(expression)
		if err != nil {
			return nil, err
		}
		filters = append(filters, matches)
	}
	return func(p Project) bool {
		return !slices.ContainsFunc(filters, func(matches filter) bool { return !matches(p) })
	}, nil
}

// filterForm is function(field,value), with values separated by semicolons (flyteadmin/pkg/manager/impl/util/filters.go).
var filterForm = regexp.MustCompile(`(.+)\((.+),\s?(.+)\)`)

func parseFilterV1(expression string) (filter, error) {
	parts := filterForm.FindStringSubmatch(expression)
	if parts == nil {
		return nil, invalid("invalid value for filters")
	}
	function, values := parts[1], strings.Split(parts[3], ";")
	field := strings.TrimPrefix(parts[2], "project.")
	if _, ok := column(Project{}, field); !ok {
		return nil, invalid("'project.%s' is invalid filter", field)
	}
	compare, ok := comparison(function)
	if !ok {
		return nil, invalid("unrecognized filter function: %s", function)
	}
	if function != "value_in" && len(values) > 1 {
		// PostgreSQL can't compare a column with a list, and FlyteAdmin has no code for its error.
		return nil, status.Error(codes.Unknown, "failed database operation")
	}
	return filterBy(field, compare, values), nil
}

func filterBy(field string, compare func(value string, operands []string) bool, operands []string) filter {
	return func(p Project) bool {
		value, _ := column(p, field)
		return compare(value, operands)
	}
}

// comparison has the functions of flyteadmin/pkg/common/filters.go for text; the double lacks gt, gte, lt and lte.
func comparison(function string) (compare func(value string, operands []string) bool, ok bool) {
	switch function {
	case "eq":
		return func(value string, operands []string) bool { return value == operands[0] }, true
	case "ne":
		return func(value string, operands []string) bool { return value != operands[0] }, true
	case "contains":
		return func(value string, operands []string) bool { return containsPattern(value, operands[0]) }, true
	case "value_in":
		return func(value string, operands []string) bool { return slices.Contains(operands, value) }, true
	}
	return nil, false
}

// containsPattern is PostgreSQL's LIKE with the pattern between two percent signs; the pattern may have wildcards, too.
func containsPattern(value, pattern string) bool {
	form := strings.NewReplacer("%", ".*", "_", ".").Replace(regexp.QuoteMeta(pattern))
	return regexp.MustCompile("(?s)" + form).MatchString(value)
}

// parseSortV1 sorts by id by default (flyteadmin/pkg/common/sorting.go).
func parseSortV1(sort *admin.Sort) (func(a, b Project) int, error) {
	if sort == nil {
		sort = &admin.Sort{Key: "identifier", Direction: admin.Sort_ASCENDING}
	}
	if _, ok := column(Project{}, sort.GetKey()); !ok {
		return nil, invalid("invalid sort key '%s'", sort.GetKey())
	}
	ascending := compareBy(sort.GetKey())
	if sort.GetDirection() == admin.Sort_DESCENDING {
		return reversed(ascending), nil
	}
	return ascending, nil
}

func compareBy(key string) func(a, b Project) int {
	return func(a, b Project) int {
		left, _ := column(a, key)
		right, _ := column(b, key)
		return cmp.Compare(left, right)
	}
}

func reversed(compare func(a, b Project) int) func(a, b Project) int {
	return func(a, b Project) int { return compare(b, a) }
}
