package main

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/util/jsonpath"
)

// order sorts by a JSONPath. Without one it keeps the order of the API server, which is by name.
type order struct {
	path *jsonpath.JSONPath
}

// newOrder accepts a path with or without braces and the first dot, as kubectl does.
func newOrder(text string) (order, error) {
	if text == "" {
		return order{}, nil
	}
	bare := strings.TrimPrefix(strings.TrimSuffix(strings.TrimPrefix(text, "{"), "}"), ".")
	path := jsonpath.New("sort-by").AllowMissingKeys(true)
	if err := path.Parse("{." + bare + "}"); err != nil {
		return order{}, usagef("--sort-by %q is no JSONPath such as .metadata.creationTimestamp", text)
	}
	return order{path}, nil
}

func (o order) sort(t *metav1.Table) error {
	if o.path == nil {
		return nil
	}
	keys := map[*unstructured.Unstructured]any{}
	for _, row := range t.Rows {
		object := row.Object.Object.(*unstructured.Unstructured)
		key, err := o.key(object)
		if err != nil {
			return err
		}
		keys[object] = key
	}
	slices.SortStableFunc(t.Rows, func(a, b metav1.TableRow) int {
		return compareKeys(keys[a.Object.Object.(*unstructured.Unstructured)], keys[b.Object.Object.(*unstructured.Unstructured)])
	})
	return nil
}

// key is nil for an object without the field.
func (o order) key(object *unstructured.Unstructured) (any, error) {
	found, err := o.path.FindResults(object.Object)
	if err != nil {
		return nil, fmt.Errorf("sorting by --sort-by: %w", err)
	}
	if len(found) == 0 || len(found[0]) == 0 {
		return nil, nil //nolint:nilnil // see above
	}
	return found[0][0].Interface(), nil
}

// compareKeys compares numbers as numbers, and all else, times too, as text. Objects without the field come first.
func compareKeys(a, b any) int {
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	switch {
	case a == nil || b == nil:
		return cmp.Compare(fmt.Sprint(a != nil), fmt.Sprint(b != nil))
	case x.CanInt() && y.CanInt():
		return cmp.Compare(x.Int(), y.Int())
	case x.CanFloat() && y.CanFloat():
		return cmp.Compare(x.Float(), y.Float())
	}
	return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b))
}
