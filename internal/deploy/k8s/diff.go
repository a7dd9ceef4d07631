package k8s

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/rogpeppe/go-internal/diff"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/jsonmergepatch"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/client-go/discovery"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"platform.company.com/workspace-flyte-integration/internal/crd"
)

// Diff implements [deploy.Differ]. It compares three versions of each object: what the installed revision applied, what Up would apply,
// and what the cluster has. So it shows both changed values and changes made by hand.
func (t *Target) Diff(ctx context.Context, out io.Writer) (differs bool, err error) {
	wanted, err := t.upObjects()
	if err != nil {
		return false, err
	}
	applied, err := t.lastObjects()
	if err != nil {
		return false, err
	}
	d := &differ{target: t, out: out, applied: byIdentity(applied)}
	for _, o := range wanted {
		if err := d.compare(ctx, o); err != nil {
			return d.differs, fmt.Errorf("comparing %s %q: %w", o.GetKind(), o.GetName(), err)
		}
		delete(d.applied, identify(o))
	}
	return d.differs, d.removed(ctx)
}

// identity tells objects of a release apart.
type identity struct {
	kind            schema.GroupKind
	namespace, name string
}

func identify(o *unstructured.Unstructured) identity {
	return identity{o.GroupVersionKind().GroupKind(), o.GetNamespace(), o.GetName()}
}

func byIdentity(objects []*unstructured.Unstructured) map[identity]*unstructured.Unstructured {
	all := map[identity]*unstructured.Unstructured{}
	for _, o := range objects {
		all[identify(o)] = o
	}
	return all
}

type differ struct {
	target  *Target
	out     io.Writer
	applied map[identity]*unstructured.Unstructured
	differs bool
}

const crdKind = "CustomResourceDefinition"

func (d *differ) compare(ctx context.Context, wanted *unstructured.Unstructured) error {
	live, err := d.live(ctx, wanted)
	switch {
	case err != nil:
		return err
	case live == nil:
		return d.show(nil, wanted)
	case wanted.GetKind() == crdKind:
		return d.compareCRD(ctx, wanted.GetName())
	}
	predicted, err := d.predict(ctx, wanted, live)
	if err != nil {
		return err
	}
	return d.show(live, predicted)
}

// live reads an object, or returns nil if it does not exist, or its kind does not yet.
func (d *differ) live(ctx context.Context, o *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	live := &unstructured.Unstructured{}
	live.SetGroupVersionKind(o.GroupVersionKind())
	err := d.target.client.Get(ctx, client.ObjectKeyFromObject(o), live)
	if apierrors.IsNotFound(err) || meta.IsNoMatchError(err) {
		return nil, nil //nolint:nilnil // nothing is there
	}
	return live, err
}

// compareCRD names the fields that a CRD lacks: the whole schema is too long to read.
func (d *differ) compareCRD(ctx context.Context, name string) error {
	api, err := discovery.NewDiscoveryClientForConfig(d.target.config)
	if err != nil {
		return err
	}
	missing, err := crd.MissingFields(ctx, api.OpenAPIV3WithContext(ctx))
	for _, field := range missing {
		if len(field) > len(name) && field[:len(name)] == name {
			d.differs = true
			fmt.Fprintf(d.out, "CustomResourceDefinition %s would get the field %s\n", name, field[len(name)+2:])
		}
	}
	return err
}

// predict asks the API server what the object would be, in a dry run.
func (d *differ) predict(ctx context.Context, wanted, live *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	before := d.applied[identify(wanted)]
	if before == nil {
		before = wanted
	}
	kind, text, err := threeWay(before, wanted, live)
	if err != nil {
		return nil, err
	}
	predicted := live.DeepCopy()
	return predicted, d.target.client.Patch(ctx, predicted, client.RawPatch(kind, text), client.DryRunAll)
}

// threeWay makes the patch that turns the live object into the wanted one, and removes what was applied before and is not wanted.
func threeWay(before, wanted, live *unstructured.Unstructured) (types.PatchType, []byte, error) {
	var texts [3][]byte
	for i, o := range []*unstructured.Unstructured{before, wanted, live} {
		text, err := json.Marshal(o)
		if err != nil {
			return "", nil, err
		}
		texts[i] = text
	}
	typed, err := clientgoscheme.Scheme.New(wanted.GroupVersionKind())
	if err != nil { // of a CRD
		text, err := jsonmergepatch.CreateThreeWayJSONMergePatch(texts[0], texts[1], texts[2])
		return types.MergePatchType, text, err
	}
	patchMeta, err := strategicpatch.NewPatchMetaFromStruct(typed)
	if err != nil {
		return "", nil, err
	}
	text, err := strategicpatch.CreateThreeWayMergePatch(texts[0], texts[1], texts[2], patchMeta, true)
	return types.StrategicMergePatchType, text, err
}

// removed shows what the installed revision has and Up would delete.
func (d *differ) removed(ctx context.Context) error {
	left := slices.SortedFunc(maps.Values(d.applied), func(a, b *unstructured.Unstructured) int {
		return slices.Compare([]string{a.GetKind(), a.GetName()}, []string{b.GetKind(), b.GetName()})
	})
	for _, o := range left {
		if keptOnRemoval(o) {
			continue
		}
		live, err := d.live(ctx, o)
		if err != nil {
			return err
		}
		if live != nil {
			if err := d.show(live, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// show writes the difference of two versions; nil is an object that does not exist.
func (d *differ) show(before, after *unstructured.Unstructured) error {
	before, after = withoutWrites(before), withoutWrites(after)
	if before != nil && after != nil && equality.Semantic.DeepEqual(before.Object, after.Object) {
		return nil
	}
	d.differs = true
	name := nameOfEither(before, after)
	before, after = redactPair(before, after)
	var texts [2][]byte
	for i, o := range []*unstructured.Unstructured{before, after} {
		if o == nil {
			continue
		}
		text, err := yaml.Marshal(o.Object)
		if err != nil {
			return err
		}
		texts[i] = text
	}
	_, err := d.out.Write(diff.Diff("live "+name, texts[0], "new "+name, texts[1]))
	return err
}

func nameOfEither(before, after *unstructured.Unstructured) string {
	o := after
	if o == nil {
		o = before
	}
	if o.GetNamespace() == "" {
		return o.GetKind() + " " + o.GetName()
	}
	return o.GetKind() + " " + o.GetNamespace() + "/" + o.GetName()
}

// withoutWrites is an object without what the API server sets at each write.
func withoutWrites(o *unstructured.Unstructured) *unstructured.Unstructured {
	if o == nil {
		return nil
	}
	o = o.DeepCopy()
	for _, field := range []string{"managedFields", "resourceVersion", "generation", "uid", "creationTimestamp"} {
		unstructured.RemoveNestedField(o.Object, "metadata", field)
	}
	unstructured.RemoveNestedField(o.Object, "status")
	return o
}
