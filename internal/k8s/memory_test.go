package k8s

import (
	"encoding/json"
	"fmt"
	"runtime"
	"testing"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
	"platform.company.com/workspace-flyte-integration/internal/workspace/desired/desiredtest"
)

// maxCachedBytes bounds what the objects of one workspace cost in the cache: 9 of them, with the store's own entries.
const maxCachedBytes = 12 << 10

func TestCache_CostsLittleForEachWorkspace(t *testing.T) {
	thin, whole := cachedBytes(t, stripToIdentity), cachedBytes(t, func(o any) (any, error) { return o, nil })
	t.Logf("the objects of a workspace cost %d bytes in the cache; whole, without managed fields, %d", thin, whole)
	if thin > maxCachedBytes || thin > whole*2/3 {
		t.Errorf("they cost %d bytes, whole ones %d", thin, whole)
	}
}

// maxMemberBytes bounds what a member with a name of the greatest length costs in the cache. With workspace.Limits it
// bounds what all Workspaces take of a replica's memory.
const maxMemberBytes = 400

func TestCache_CostsLittleForEachMember(t *testing.T) {
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
			text, err := json.Marshal(w)
			must(t, err)
			fresh := &v1alpha1.Workspace{}
			must(t, json.Unmarshal(text, fresh))
			kept, err := stripWorkspace(fresh)
			must(t, err)
			must(t, store.Add(kept))
		}
		grown := (heap() - before) / (n * members)
		runtime.KeepAlive(store)
		t.Logf("a member with a name of %d characters costs %d bytes in the cache", length, grown)
		if grown > maxMemberBytes {
			t.Errorf("a member with a name of %d characters costs %d bytes", length, grown)
		}
	}
}

// cachedBytes is what an informer's store grows by for each workspace with one namespace.
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
			kept, err := transform(decoded(t, o))
			must(t, err)
			must(t, store.Add(kept))
		}
	}
	grown := heap() - before
	runtime.KeepAlive(store)
	return grown / n
}

// decoded is a copy that shares no memory, as it comes from the API server.
func decoded(t *testing.T, o client.Object) client.Object {
	t.Helper()
	text, err := json.Marshal(o)
	must(t, err)
	fresh := newOfKind(o)
	must(t, json.Unmarshal(text, fresh))
	return fresh
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
