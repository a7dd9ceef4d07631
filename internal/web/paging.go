package web

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
)

// order sorts items by a key, then by their names. A key is the value of sort in a query; "-" before it reverses the order.
type order[T any] struct {
	sort    string
	reverse bool
	key     func(T) string
	name    func(T) string
}

// position is where an item stands in an order. It is the content of continue, which is opaque to clients.
type position struct {
	Sort string `json:"s"`
	Key  string `json:"k,omitempty"`
	Name string `json:"n"`
}

func (p position) String() string {
	text, err := json.Marshal(p)
	if err != nil {
		panic("encoding texts: " + err.Error())
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// newOrder reads the parameter sort, the name of one of keys. By default items are sorted by name.
func newOrder[T any](q *query, name func(T) string, keys map[string]func(T) string) order[T] {
	sort := cmp.Or(q.values.Get("sort"), "name")
	by, reverse := strings.CutPrefix(sort, "-")
	key, known := keys[by]
	if !known {
		var names []string
		for name := range keys {
			names = append(names, name)
		}
		slices.Sort(names)
		q.refuse("sort must be one of %s, with - before it for the reverse order", strings.Join(names, ", "))
	}
	return order[T]{sort: sort, reverse: reverse, key: key, name: name}
}

// after reads the parameter continue: the position after which the page begins, or nil for the first page.
func (o order[T]) after(q *query) *position {
	text := q.values.Get("continue")
	if text == "" {
		return nil
	}
	var p position
	decoded, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || json.Unmarshal(decoded, &p) != nil || p.Sort != o.sort {
		q.refuse("continue must be that of the page before, with the same sort")
	}
	return &p
}

// page returns at most limit items after a position, and the continue of the next page, or "" for the last one. Items that come or go
// between two pages change no other item's place.
func (o order[T]) page(items []T, after *position, limit int) (page []T, next string) {
	type keyed struct {
		position

		item T
	}
	sorted := make([]keyed, 0, len(items))
	for _, item := range items {
		k := keyed{position{o.sort, o.key(item), o.name(item)}, item}
		if after == nil || o.compare(k.position, *after) > 0 {
			sorted = append(sorted, k)
		}
	}
	slices.SortFunc(sorted, func(a, b keyed) int { return o.compare(a.position, b.position) })
	page = make([]T, min(limit, len(sorted)))
	for i := range page {
		page[i] = sorted[i].item
	}
	if len(sorted) > limit {
		next = sorted[limit-1].String()
	}
	return page, next
}

func (o order[T]) compare(a, b position) int {
	compared := cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Name, b.Name))
	if o.reverse {
		return -compared
	}
	return compared
}
