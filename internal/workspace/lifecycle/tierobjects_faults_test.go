package lifecycle

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/devcluster/faultproxy"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// Whatever write is the last before a crash, or never reaches the API server, the objects end as the tier wants them: none is missing,
// stale, left behind, or made twice.
func TestController_KeepsTierObjectsUnderFaults(t *testing.T) {
	t.Parallel()
	installCRD(t, shared.Admin(t), widgets, "Namespaced")
	for i, f := range []injectedFault{
		{"response lost after the write", 2, isObjectWrite, faultproxy.Fault{LoseAnswer: true}},
		{"connection reset before the write", 2, isObjectWrite, faultproxy.Fault{Reset: true}},
		{"500", 2, isObjectWrite, faultproxy.Fault{Status: http.StatusInternalServerError}},
		{"watches cut again and again", 1, isWatch, faultproxy.Fault{CutAfter: 300 * time.Millisecond}},
	} {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			proxy, err := faultproxy.New(shared.Cluster(t).Config())
			must(t, err)
			t.Cleanup(proxy.Stop)
			env := newTestEnv(t, envOptions{
				account: objectsAccount, objectKinds: workspace.ObjectKinds{configMaps, widgets}, proxy: proxy,
			})
			var seen atomic.Int64
			proxy.Set(func(r *http.Request) faultproxy.Fault {
				if f.match(r) && seen.Add(1)%f.nth == 0 {
					return f.fault
				}
				return faultproxy.Fault{}
			})
			id := fmt.Sprintf("object-fault-%d", i)
			env.provisionedOnTier(id, func(spec *v1alpha1.WorkspaceTierSpec) { spec.Objects = templates(pluginTemplate, widgetTemplate) })
			env.changeTier(id+"-tier", func(spec *v1alpha1.WorkspaceTierSpec) {
				spec.Objects = templates("{apiVersion: v1, kind: ConfigMap, metadata: {name: plugin}, data: {new: '{workspace}'}}",
					"{apiVersion: v1, kind: ConfigMap, metadata: {name: second}}")
			})
			env.awaitNoObject("flyte-"+id, "Widget/"+id+"-widget")
			eventually(t, func(context.Context) error {
				object, err := env.object("flyte-"+id, plugin)
				if err != nil {
					return err
				}
				if diff := cmp.Diff(map[string]any{"new": id}, object.Object["data"]); diff != "" {
					return fmt.Errorf("the data (-want +got):\n%s", diff)
				}
				_, err = env.object("flyte-"+id, "ConfigMap/second")
				return err
			})
			env.await(id, v1alpha1.ConditionReady, v1alpha1.ReasonReady)
			if seen.Load() < f.nth {
				t.Errorf("only %d requests match", seen.Load())
			}
			proxy.Set(nil)
		})
	}
}

func isObjectWrite(r *http.Request) bool {
	return isWrite(r) && (strings.Contains(r.URL.Path, "/configmaps") || strings.Contains(r.URL.Path, "/widgets"))
}
