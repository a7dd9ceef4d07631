package k8s

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
	"platform.company.com/workspace-flyte-integration/internal/workspace/desired/desiredtest"
)

func TestCache_StoresIdentityAndHash(t *testing.T) {
	env, p := newTestEnv(t), desiredtest.Plan("identity")
	for _, want := range desiredtest.Objects(p) {
		must(t, env.Client.Create(t.Context(), want.DeepCopyObject().(client.Object)))
		live, cached, identity := newOfKind(want), newOfKind(want), newOfKind(want)
		must(t, env.Admin.Get(t.Context(), client.ObjectKeyFromObject(want), live))
		eventually(t, func(ctx context.Context) error {
			err := env.Client.Get(ctx, client.ObjectKeyFromObject(want), cached)
			if err == nil && cached.GetResourceVersion() != live.GetResourceVersion() {
				must(t, env.Admin.Get(ctx, client.ObjectKeyFromObject(want), live)) // controllers write status
				err = errNotYet
			}
			return err
		})
		cached.GetObjectKind().SetGroupVersionKind(schema.GroupVersionKind{}) // the cache's reader sets it
		identity.SetName(live.GetName())
		identity.SetNamespace(live.GetNamespace())
		identity.SetUID(live.GetUID())
		identity.SetResourceVersion(live.GetResourceVersion())
		identity.SetGenerateName(hashPrefix + hash(want))
		identity.SetManagedFields([]metav1.ManagedFieldsEntry{{Manager: otherWriter(live)}}) // the test's client is not the service
		if live.GetNamespace() == "" {
			identity.SetLabels(map[string]string{v1alpha1.LabelWorkspace: "ws-001"})
		}
		if diff := cmp.Diff(identity, cached); diff != "" {
			t.Error(diff)
		}
	}
}

// No client can give a cached object a hash of its choice: the API server rejects such a generateName.
func TestCache_HashPrefixIsInvalidGenerateName(t *testing.T) {
	env := newTestEnv(t)
	for _, prefix := range []string{hashPrefix, ownHashPrefix} {
		invalid := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "hash-prefix", GenerateName: prefix + "x"}}
		if err := env.Admin.Create(t.Context(), invalid); err == nil {
			t.Errorf("the API server accepts the generateName %q", invalid.GenerateName)
		}
	}
}

func TestChanged(t *testing.T) {
	object := func() client.Object {
		return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
			UID: "1", ResourceVersion: "1", GenerateName: hashPrefix + "a",
		}}
	}
	tests := []struct {
		name   string
		change func(client.Object)
		want   bool
	}{
		{"nothing", func(client.Object) {}, false},
		{"resourceVersion", func(o client.Object) { o.SetResourceVersion("2") }, false},
		{"hash", func(o client.Object) { o.SetGenerateName(hashPrefix + "b") }, true},
		{"only the manager", func(o client.Object) { o.SetGenerateName(ownHashPrefix + "a") }, false},
		{"deletion", func(o client.Object) { o.SetDeletionTimestamp(new(metav1.Now())) }, true},
		{"another object of the same name", func(o client.Object) { o.SetUID("2") }, true},
	}
	for _, test := range tests {
		after := object()
		test.change(after)
		if got := Changed(object(), after); got != test.want {
			t.Errorf("%s: %v", test.name, got)
		}
	}
}

func TestStripToIdentity_MarksSoleManager(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		managers []string
		want     bool
	}{
		"the service":               {[]string{v1alpha1.ManagedBy}, true},
		"another manager":           {[]string{"helm"}, false},
		"no manager":                {nil, false},
		"the service and another":   {[]string{v1alpha1.ManagedBy, "kubectl"}, false},
		"a manager of similar name": {[]string{v1alpha1.ManagedBy + "-2"}, false},
		"another manager of status": {[]string{v1alpha1.ManagedBy, "kube-controller-manager/status"}, true},
	} {
		binding := &rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Namespace: "flyte-ws-001", Name: "workspace-owner"}}
		for _, manager := range c.managers {
			manager, subresource, _ := strings.Cut(manager, "/")
			binding.ManagedFields = append(binding.ManagedFields, metav1.ManagedFieldsEntry{Manager: manager, Subresource: subresource})
		}
		cached, err := stripToIdentity(binding)
		must(t, err)
		if got := isMadeByUs(cached.(client.Object)); got != c.want {
			t.Errorf("%s: marked as ours: %t, want %t", name, got, c.want)
		}
	}
}

// maxCachedBytes bounds the cache memory of the 9 objects of one workspace, with the store's own entries.
const maxCachedBytes = 12 << 10

func TestCache_BytesPerWorkspace(t *testing.T) {
	identity, unstripped := cachedBytes(t, stripToIdentity), cachedBytes(t, func(o any) (any, error) { return o, nil })
	t.Logf("the objects of a workspace take %d bytes in the cache; unstripped, without managed fields, %d", identity, unstripped)
	if identity > maxCachedBytes || identity > unstripped*2/3 {
		t.Errorf("they take %d bytes, unstripped %d", identity, unstripped)
	}
}

// maxMemberBytes bounds the cache memory of a member with the longest name. With workspace.Limits it bounds the memory that all
// Workspaces take in a replica.
const maxMemberBytes = 400

func TestCache_BytesPerMember(t *testing.T) {
	for _, length := range []int{30, 253} {
		const n, members = 20, 1000
		store := cache.NewIndexer(cache.DeletionHandlingMetaNamespaceKeyFunc, cache.Indexers{})
		before := heap()
		for i := range n {
			w := workspace.New(fmt.Sprintf("memory-%d", i))
			for j := range members {
				name := v1alpha1.Text(fmt.Sprintf("%0*d", length, i*members+j))
				w.Spec.Members = append(w.Spec.Members, v1alpha1.Member{Kind: v1alpha1.MemberUser, Name: name, Role: v1alpha1.RoleViewer})
			}
			data, err := json.Marshal(w)
			must(t, err)
			fresh := &v1alpha1.Workspace{}
			must(t, json.Unmarshal(data, fresh))
			stripped, err := stripWorkspace(fresh)
			must(t, err)
			must(t, store.Add(stripped))
		}
		grown := (heap() - before) / (n * members)
		runtime.KeepAlive(store)
		t.Logf("a member with a name of %d characters takes %d bytes in the cache", length, grown)
		if grown > maxMemberBytes {
			t.Errorf("a member with a name of %d characters takes %d bytes, want at most %d", length, grown, maxMemberBytes)
		}
	}
}

// cachedBytes is the memory of an informer's store for each workspace with one namespace.
func cachedBytes(t *testing.T, transform cache.TransformFunc) uint64 {
	t.Helper()
	const n = 200
	store := cache.NewIndexer(cache.DeletionHandlingMetaNamespaceKeyFunc, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})
	before := heap()
	for i := range n {
		p := desiredtest.Plan(fmt.Sprintf("flyte-memory-%d", i))
		for j, o := range desiredtest.Objects(p) {
			o.SetUID(types.UID(fmt.Sprintf("f1b6f3b5-5c38-4b5e-9d42-%06d-%05d", i, j)))
			o.SetResourceVersion(fmt.Sprint(100000*i + j))
			stripped, err := transform(decoded(t, o))
			must(t, err)
			must(t, store.Add(stripped))
		}
	}
	grown := heap() - before
	runtime.KeepAlive(store)
	return grown / n
}

// decoded is a copy that shares no memory with o, like an object that client-go has decoded.
func decoded(t *testing.T, o client.Object) client.Object {
	t.Helper()
	data, err := json.Marshal(o)
	must(t, err)
	fresh := newOfKind(o)
	must(t, json.Unmarshal(data, fresh))
	return fresh
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
