package fly

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// table is a table of TOML. Its values are strings, whole numbers, booleans, tables, and lists of tables.
type table map[string]any

// toml writes a table: values first, then the tables below it, each in the order of names.
func (t table) toml() string {
	var out strings.Builder
	t.write(&out, "")
	return out.String()
}

func (t table) write(out *strings.Builder, path string) {
	names := slices.Sorted(maps.Keys(t))
	for _, name := range names {
		switch value := t[name].(type) {
		case string:
			fmt.Fprintf(out, "%s = %s\n", name, quote(value))
		case int, bool:
			fmt.Fprintf(out, "%s = %v\n", name, value)
		}
	}
	for _, name := range names {
		switch value := t[name].(type) {
		case table:
			fmt.Fprintf(out, "\n[%s]\n", path+name)
			value.write(out, path+name+".")
		case []table:
			for _, one := range value {
				fmt.Fprintf(out, "\n[[%s]]\n", path+name)
				one.write(out, path+name+".")
			}
		}
	}
}

// quote writes a basic string of TOML. Unlike Go, it has \u for control characters alone.
func quote(text string) string {
	var out strings.Builder
	out.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			out.WriteByte('\\')
			out.WriteRune(r)
		case r < ' ' || r == 0x7f:
			out.WriteString(`\u` + fmt.Sprintf("%04X", r))
		default:
			out.WriteRune(r)
		}
	}
	out.WriteByte('"')
	return out.String()
}

// flatten adds the values of a table, or of decoded JSON, by path.
func flatten(into map[string]string, path string, value any) {
	switch v := value.(type) {
	case table:
		for name, below := range v {
			flatten(into, join(path, name), below)
		}
	case map[string]any:
		flatten(into, path, table(v))
	case []table:
		for i, below := range v {
			flatten(into, join(path, strconv.Itoa(i)), below)
		}
	case []any:
		for i, below := range v {
			flatten(into, join(path, strconv.Itoa(i)), below)
		}
	default:
		into[path] = fmt.Sprint(v)
	}
}

func join(path, name string) string { return strings.TrimPrefix(path+"."+name, ".") }
