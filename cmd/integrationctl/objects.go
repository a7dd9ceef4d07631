package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/cli-runtime/pkg/resource"
	"k8s.io/client-go/rest"
)

const (
	pageSize     = 500
	rewatchPause = time.Second
	// asTable asks for the columns that the CRD defines.
	asTable = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
)

// objects reads objects of one kind as tables of the API server, with the objects in the rows.
type objects struct {
	plural, resource string
	rest             *rest.RESTClient
	namespace        string // "" for cluster-scoped kinds
	fieldSelector    string
}

func newObjects(k *cluster, of kind) (*objects, error) {
	c, err := k.restClient("/apis", of.gvr.GroupVersion())
	return &objects{plural: of.plural, resource: of.gvr.Resource, rest: c}, err
}

func newEventObjects(k *cluster, namespace, fieldSelector string) (*objects, error) {
	c, err := k.restClient("/api", corev1.SchemeGroupVersion)
	return &objects{plural: "Events", resource: "events", rest: c, namespace: namespace, fieldSelector: fieldSelector}, err
}

func (k *cluster) restClient(path string, version schema.GroupVersion) (*rest.RESTClient, error) {
	cfg, err := k.config()
	if err != nil {
		return nil, err
	}
	cfg = rest.CopyConfig(cfg)
	cfg.APIPath, cfg.GroupVersion = path, &version
	cfg.ContentConfig.NegotiatedSerializer = resource.UnstructuredPlusDefaultContentConfig().NegotiatedSerializer
	c, err := rest.RESTClientFor(cfg)
	if err != nil {
		return nil, fmt.Errorf("making a client: %w", err)
	}
	return c, nil
}

func (o *objects) request() *rest.Request {
	request := o.rest.Get().Resource(o.resource).SetHeader("Accept", asTable).Param("includeObject", "Object")
	if o.namespace != "" {
		request = request.Namespace(o.namespace)
	}
	if o.fieldSelector != "" {
		request = request.Param("fieldSelector", o.fieldSelector)
	}
	return request
}

// list reads all pages.
func (o *objects) list(ctx context.Context, selector string) (all *metav1.Table, err error) {
	for next := ""; ; {
		page, err := o.read(ctx, o.request().Param("labelSelector", selector).Param("limit", fmt.Sprint(pageSize)).Param("continue", next))
		if err != nil {
			return nil, fmt.Errorf("listing %s: %w", o.plural, err)
		}
		if all == nil {
			all = page
		} else {
			all.Rows = append(all.Rows, page.Rows...)
		}
		if next = page.Continue; next == "" {
			return all, nil
		}
	}
}

// get reads objects by their names. It returns those that exist, nil for none, and the errors of the others.
func (o *objects) get(ctx context.Context, names []string) (all *metav1.Table, err error) {
	var errs []error
	for _, name := range names {
		one, err := o.read(ctx, o.request().Name(name))
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("reading %q of %s: %w", name, o.plural, err))
		case all == nil:
			all = one
		default:
			all.Rows = append(all.Rows, one.Rows...)
		}
	}
	return all, errors.Join(errs...)
}

func (o *objects) read(ctx context.Context, request *rest.Request) (*metav1.Table, error) {
	answer, err := request.Do(ctx).Get()
	if err != nil {
		return nil, err
	}
	return decodeTable(answer)
}

// watch calls changed with a row for each change after a version, until ctx ends.
func (o *objects) watch(ctx context.Context, selector, after string, changed func(*metav1.Table) error) error {
	for ctx.Err() == nil {
		w, err := o.request().Param("labelSelector", selector).Param("watch", "true").Param("resourceVersion", after).
			Param("allowWatchBookmarks", "true").Watch(ctx)
		if err != nil {
			return fmt.Errorf("watching %s: %w", o.plural, err)
		}
		if after, err = follow(w, after, changed); err != nil {
			return fmt.Errorf("watching %s: %w", o.plural, err)
		}
		pause(ctx, rewatchPause) // the API server ends each watch after minutes
	}
	return ctx.Err()
}

// follow returns the version up to which it has seen everything when the watch ends.
func follow(w watch.Interface, after string, changed func(*metav1.Table) error) (string, error) {
	defer w.Stop()
	for event := range w.ResultChan() {
		if event.Type == watch.Error {
			return after, apierrors.FromObject(event.Object)
		}
		table, err := decodeTable(event.Object)
		if err != nil {
			return after, err
		}
		for _, row := range table.Rows {
			after = row.Object.Object.(*unstructured.Unstructured).GetResourceVersion()
		}
		if event.Type == watch.Bookmark {
			continue
		}
		if err := changed(table); err != nil {
			return after, err
		}
	}
	return after, nil
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// decodeTable decodes the objects of the rows, too.
func decodeTable(answer runtime.Object) (*metav1.Table, error) {
	object, ok := answer.(*unstructured.Unstructured)
	if !ok || object.GetKind() != "Table" {
		return nil, fmt.Errorf("the API server answered %T, not a table", answer)
	}
	var table metav1.Table
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &table); err != nil {
		return nil, fmt.Errorf("reading the API server's table: %w", err)
	}
	for i := range table.Rows {
		row := &table.Rows[i]
		decoded, err := runtime.Decode(unstructured.UnstructuredJSONScheme, row.Object.Raw)
		if err != nil {
			return nil, fmt.Errorf("reading a row of the API server's table: %w", err)
		}
		row.Object.Object = decoded
	}
	return &table, nil
}
