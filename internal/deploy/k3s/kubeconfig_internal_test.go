package k3s

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/client-go/tools/clientcmd"
)

const ofK3s = `apiVersion: v1
kind: Config
clusters: [{name: default, cluster: {server: "https://127.0.0.1:6443", certificate-authority-data: Y2E=}}]
users: [{name: default, user: {client-certificate-data: Y2VydA==, client-key-data: a2V5}}]
contexts: [{name: default, context: {cluster: default, user: default}}]
current-context: default
`

const existing = `apiVersion: v1
kind: Config
clusters: [{name: production, cluster: {server: "https://production:6443"}}]
users: [{name: ana, user: {token: t}}]
contexts: [{name: production, context: {cluster: production, user: ana, namespace: team}}]
current-context: production
`

// TestMergeInto: the file keeps what it had, its current context too, and a copy stays; nobody else may read either.
func TestMergeInto(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(path, []byte(existing), 0o644); err != nil {
		t.Fatal(err)
	}
	backup, err := mergeInto(path, []byte(ofK3s), "k3s-node1", "https://node1:6443")
	if err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(backup); err != nil || string(text) != existing {
		t.Errorf("the copy is %q: %v", text, err)
	}
	for _, file := range []string{path, backup} {
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", file, info.Mode(), err)
		}
	}
	config, err := clientcmd.LoadFromFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if config.CurrentContext != "production" || config.Contexts["production"].Namespace != "team" || config.AuthInfos["ana"].Token != "t" {
		t.Errorf("what was there has changed: %+v", config)
	}
	if c := config.Clusters["k3s-node1"]; c.Server != "https://node1:6443" || string(c.CertificateAuthorityData) != "ca" {
		t.Errorf("the cluster is %+v", c)
	}
	if backup, err := mergeInto(path, []byte(ofK3s), "k3s-node1", "https://node1:6443"); err != nil || backup != "" {
		t.Errorf("the second time: %q, %v", backup, err)
	}
	if err := removeContext(path, "k3s-node1"); err != nil {
		t.Fatal(err)
	}
	if has, err := hasContext(path, "k3s-node1"); has || err != nil {
		t.Errorf("it is still there: %v", err)
	}
}

func TestMerge_Refuses(t *testing.T) {
	for want, c := range map[string]struct{ existing, k3s string }{
		"has another cluster":               {strings.ReplaceAll(existing, "production", "k3s-node1"), ofK3s},
		"reading the kubeconfig: ":          {"clusters: 3", ofK3s},
		"reading the kubeconfig of K3s: ":   {existing, "clusters: 3"},
		"it has no current context":         {existing, ""},
		"kubeconfig of K3s: it has no curr": {existing, strings.Replace(ofK3s, "cluster: default", "cluster: other", 1)},
	} {
		if _, err := merge([]byte(c.existing), []byte(c.k3s), "k3s-node1", "https://node1:6443"); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// FuzzMerge: whatever the file holds, it keeps every context, cluster and user, and gets the new one; or there is an error.
func FuzzMerge(f *testing.F) {
	f.Add([]byte(existing))
	f.Add([]byte(""))
	f.Add([]byte("contexts: [{name: a}]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		merged, err := merge(text, []byte(ofK3s), "k3s-node1", "https://node1:6443")
		if err != nil {
			return
		}
		before, err := clientcmd.Load(text)
		if err != nil {
			t.Fatalf("it merged what can't be read: %v", err)
		}
		after, err := clientcmd.Load(merged)
		if err != nil {
			t.Fatalf("what it wrote can't be read: %v\n%s", err, merged)
		}
		for kind, names := range map[string][2][]string{
			"context": {keys(before.Contexts), keys(after.Contexts)},
			"cluster": {keys(before.Clusters), keys(after.Clusters)},
			"user":    {keys(before.AuthInfos), keys(after.AuthInfos)},
		} {
			lost := slices.DeleteFunc(names[0], func(name string) bool { return slices.Contains(names[1], name) })
			if len(lost) > 0 || !slices.Contains(names[1], "k3s-node1") {
				t.Errorf("of each %s, %q are gone from %q", kind, lost, names[1])
			}
		}
	})
}

func keys[T any](entries map[string]*T) []string { return slices.Collect(maps.Keys(entries)) }
