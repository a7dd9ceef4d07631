package flytetest

import (
	"slices"
	"strconv"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"platform.company.com/workspace-flyte-integration/internal/flyte/flyteidl2"
)

// isColumnV2 has the columns of runs/repository/models/project.go.
func isColumnV2(name string) bool {
	return slices.Contains([]string{"identifier", "name", "description", "labels", "state", "created_at", "updated_at"}, name)
}

// hasColumnV2 refuses the columns that the double lacks: its response would differ from Flyte 2's.
func hasColumnV2(name string) error {
	if _, ok := column(Project{}, name); !ok {
		return status.Errorf(codes.Unimplemented, "the double has no column %s", name)
	}
	return nil
}

// parseFiltersV2 follows runs/repository/impl/string_filters.go. A blank text has no filter, but counts as one: archived projects are
// listed (runs/service/project_service.go).
func parseFiltersV2(expressions string) (filter, error) {
	trimmed := strings.TrimSpace(expressions)
	if trimmed == "" && expressions != "" {
		return func(Project) bool { return true }, nil
	}
	return parseFilters(trimmed, parseFilterV2)
}

func parseFilterV2(expression string) (filter, error) {
	expression = strings.TrimSpace(expression)
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
	values := []string{value}
	if function == "value_in" {
		values = strings.Split(value, ";")
	}
	for i := range values {
		values[i] = strings.TrimSpace(values[i])
	}
	if err := checkOperandsV2(function, field, values); err != nil {
		return nil, err
	}
	return filterBy(field, compare, values), nil
}

// checkOperandsV2 refuses what PostgreSQL refuses: the state is a number.
func checkOperandsV2(function, field string, values []string) error {
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

// parseSortV2 sorts in descending order by default. Without a key, Flyte 2 promises no order.
func parseSortV2(sort *flyteidl2.Sort) (func(a, b Project) int, error) {
	key := sort.GetKey()
	switch {
	case key == "":
		return reversed(compareBy("identifier")), nil
	case !isColumnV2(key):
		return nil, invalid("invalid sort field: %s", key)
	}
	if err := hasColumnV2(key); err != nil {
		return nil, err
	}
	if sort.GetDirection() == flyteidl2.Sort_ASCENDING {
		return compareBy(key), nil
	}
	return reversed(compareBy(key)), nil
}
