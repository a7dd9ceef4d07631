package archive_test

import (
	"archive/tar"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"platform.company.com/workspace-flyte-integration/internal/deploy/archive"
)

func TestRead(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  *archive.Image
	}{
		"docker save": {
			map[string]string{
				"manifest.json": `[{"Config": "c.json", "RepoTags": ["integration:v1"], "Layers": ["l"]}]`,
				"c.json":        `{"architecture": "arm64"}`,
			},
			&archive.Image{Names: []string{"integration:v1"}, Architectures: []string{"arm64"}},
		},
		"OCI layout of two architectures": {
			map[string]string{
				"index.json":     `{"manifests": [{"digest": "sha256:a", "annotations": {"org.opencontainers.image.ref.name": "host/i:v1"}}]}`,
				"blobs/sha256/a": `{"manifests": [{"digest": "sha256:b"}, {"digest": "sha256:c"}]}`,
				"blobs/sha256/b": `{"config": {"digest": "sha256:d"}}`, "blobs/sha256/c": `{"config": {"digest": "sha256:e"}}`,
				"blobs/sha256/d": `{"architecture": "amd64"}`, "blobs/sha256/e": `{"architecture": "arm64"}`,
			},
			&archive.Image{Names: []string{"host/i:v1"}, Architectures: []string{"amd64", "arm64"}},
		},
		"another tar": {map[string]string{"a": "b"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			path := writeTar(t, c.files)
			got, err := archive.Read(path)
			if c.want == nil {
				if err == nil || !strings.Contains(err.Error(), "it is not an image archive") {
					t.Errorf("the error is %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func writeTar(t *testing.T, files map[string]string) (path string) {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for file, text := range files {
		must(t, w.WriteHeader(&tar.Header{Name: file, Size: int64(len(text)), Typeflag: tar.TypeReg}))
		_, err := w.Write([]byte(text))
		must(t, err)
	}
	must(t, w.Close())
	path = filepath.Join(t.TempDir(), "image.tar")
	must(t, os.WriteFile(path, out.Bytes(), 0o600))
	return path
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
