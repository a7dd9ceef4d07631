package main

import (
	"encoding/json"
	"strings"
)

// parseTOML parses tables, lists of tables, and values that are JSON, too.
func parseTOML(text string) map[string]any {
	root := map[string]any{}
	at := root
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if name, ok := strings.CutPrefix(line, "[["); ok {
			at = appendTable(root, strings.Split(strings.TrimSuffix(name, "]]"), "."))
		} else if name, ok := strings.CutPrefix(line, "["); ok {
			at = tableAt(root, strings.Split(strings.TrimSuffix(name, "]"), "."))
		} else if name, value, ok := strings.Cut(line, " = "); ok {
			var decoded any
			if err := json.Unmarshal([]byte(value), &decoded); err != nil {
				decoded = "not TOML: " + value
			}
			at[name] = decoded
		}
	}
	return root
}

// tableAt returns a table below another one, and makes it if it is missing.
func tableAt(root map[string]any, names []string) map[string]any {
	for _, name := range names {
		next, ok := root[name].(map[string]any)
		if !ok {
			next = map[string]any{}
			root[name] = next
		}
		root = next
	}
	return root
}

// appendTable adds a table to a list.
func appendTable(root map[string]any, names []string) map[string]any {
	last := len(names) - 1
	parent, one := tableAt(root, names[:last]), map[string]any{}
	all, _ := parent[names[last]].([]any)
	parent[names[last]] = append(all, one)
	return one
}
