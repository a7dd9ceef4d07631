// Package deploy runs the commands of `integrationctl deploy` by script, on a real control plane with scheduler and simulated nodes.
package deploy

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/go-logr/logr"
	"github.com/rogpeppe/go-internal/testscript"
	"k8s.io/client-go/tools/clientcmd"
	ctrl "sigs.k8s.io/controller-runtime"

	"platform.company.com/workspace-flyte-integration/devcluster"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
)

const nodes = 3

// TestScripts runs the scripts one after the other: the chart has objects of which a cluster has one.
func TestScripts(t *testing.T) {
	dir := t.TempDir()
	_, _, err := harness.Build(t.Context(), dir)
	harness.Must(t, err)
	for name, find := range map[string]func() (string, error){"helm": harness.Helm, "helm3": harness.Helm3} {
		path, err := find()
		harness.Must(t, err)
		harness.Must(t, os.Symlink(path, filepath.Join(dir, name)))
	}
	ctrl.SetLogger(logr.Discard())
	cluster, err := devcluster.Start(t.Context(), devcluster.Options{Progress: t.Output(), Nodes: nodes})
	harness.Must(t, err)
	t.Cleanup(cluster.Stop)
	harness.Must(t, installMetrics(context.WithoutCancel(t.Context()), cluster))
	files, err := filepath.Glob("testdata/*.txtar")
	harness.Must(t, err)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) { runScript(t, cluster, dir, file) })
	}
}

func runScript(t *testing.T, cluster *devcluster.Cluster, programs, file string) {
	t.Helper()
	testscript.Run(t, testscript.Params{
		Files: []string{file}, Cmds: commands(cluster),
		Setup: func(e *testscript.Env) error {
			e.Setenv("PATH", programs+string(os.PathListSeparator)+e.Getenv("PATH"))
			for _, name := range []string{"HELM_CONFIG_HOME", "HELM_CACHE_HOME", "HELM_DATA_HOME", "HOME"} {
				e.Setenv(name, e.WorkDir)
			}
			path := filepath.Join(e.WorkDir, "kubeconfig")
			e.Setenv("KUBECONFIG", path)
			chart, err := filepath.Abs("../../charts/workspace-flyte-integration")
			if err != nil {
				return err
			}
			e.Setenv("CHART", chart)
			return writeContexts(cluster, path)
		},
	})
}

// writeContexts writes a kubeconfig with the contexts "staging", which is the current one, and "nowhere".
func writeContexts(cluster *devcluster.Cluster, path string) error {
	config, err := clientcmd.LoadFromFile(cluster.Kubeconfig())
	if err != nil {
		return err
	}
	nowhere := config.Clusters[config.Contexts[config.CurrentContext].Cluster].DeepCopy()
	nowhere.Server = "https://127.0.0.1:1"
	config.Clusters["nowhere"] = nowhere
	config.Contexts["staging"] = config.Contexts[config.CurrentContext]
	config.Contexts["nowhere"] = config.Contexts["staging"].DeepCopy()
	config.Contexts["nowhere"].Cluster = "nowhere"
	config.CurrentContext = "staging"
	return clientcmd.WriteToFile(*config, path)
}
