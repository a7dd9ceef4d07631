package flytetest

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/admin"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"platform.company.com/workspace-flyte-integration/internal/flyte/flyteidl2"
)

// isColumnV2 knows the columns of runs/repository/models/project.go.
func isColumnV2(name string) bool {
	return slices.Contains([]string{"identifier", "name", "description", "labels", "state", "created_at", "updated_at"}, name)
}

// hasColumnV2 refuses the columns that the double does not have: it would answer something else than Flyte 2.
func hasColumnV2(name string) error {
	if _, ok := column(Project{}, name); !ok {
		return status.Errorf(codes.Unimplemented, "the double has no column %s", name)
	}
	return nil
}

// parseFiltersV2 follows runs/repository/impl/string_filters.go. Without filters, archived projects are hidden; with a blank text they
// are not, although it holds no filter (runs/service/project_service.go).
func parseFiltersV2(filters string) (func(Project) bool, error) {
	if filters == "" {
		return func(p Project) bool { return p.State != admin.Project_ARCHIVED }, nil
	}
	var all []func(Project) bool
	if trimmed := strings.TrimSpace(filters); trimmed != "" {
		for expression := range strings.SplitSeq(trimmed, "+") {
			matches, err := parseFilterV2(strings.TrimSpace(expression))
			if err != nil {
				return nil, err
			}
			all = append(all, matches)
		}
	}
	return func(p Project) bool {
		return !slices.ContainsFunc(all, func(matches func(Project) bool) bool { return !matches(p) })
	}, nil
}

func parseFilterV2(expression string) (func(Project) bool, error) {
	function, rest, opened := strings.Cut(expression, "(")
	if !opened || function == "" || !strings.HasSuffix(rest, ")") {
		return nil, invalid("invalid filter format: %s", expression)
	}
	field, value, ok := strings.Cut(strings.TrimSuffix(rest, ")"), ",")
	if !ok {
		return nil, invalid("invalid filter arguments: %s", expression)
	}
	if field = strings.TrimSpace(field); !isColumnV2(field) {
		return nil, invalid("invalid filter field: %s", field)
	}
	function = strings.ToLower(strings.TrimSpace(function))
	compare, ok := comparison(function)
	if !ok {
		return nil, invalid("unsupported filter function: %s", function)
	}
	values := []string{strings.TrimSpace(value)}
	if function == "value_in" {
		values = nil
		for one := range strings.SplitSeq(value, ";") {
			values = append(values, strings.TrimSpace(one))
		}
	}
	if err := comparableV2(function, field, values); err != nil {
		return nil, err
	}
	return func(p Project) bool {
		have, _ := column(p, field)
		return compare(have, values)
	}, nil
}

// comparableV2 refuses what PostgreSQL refuses: the state is a number.
func comparableV2(function, field string, values []string) error {
	if err := hasColumnV2(field); err != nil || field != "state" {
		return err
	}
	for _, value := range values {
		if _, err := strconv.ParseInt(value, 10, 32); err != nil || function == "contains" {
			return status.Error(codes.Internal, "failed to list projects: pq: the state is an integer")
		}
	}
	return nil
}

// parseSortV2 promises no order without a key. With one, the order is descending unless it says otherwise.
func parseSortV2(sort *flyteidl2.Sort) (func(a, b Project) int, error) {
	key := sort.GetKey()
	switch {
	case key == "":
		return func(a, b Project) int { return cmp.Compare(b.ID, a.ID) }, nil
	case !isColumnV2(key):
		return nil, invalid("invalid sort field: %s", key)
	}
	if err := hasColumnV2(key); err != nil {
		return nil, err
	}
	return func(a, b Project) int {
		left, _ := column(a, key)
		right, _ := column(b, key)
		if sort.GetDirection() == flyteidl2.Sort_ASCENDING {
			return cmp.Compare(left, right)
		}
		return cmp.Compare(right, left)
	}, nil
}
