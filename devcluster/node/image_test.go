package node

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

func unpack(t *testing.T, archive []byte) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for r := tar.NewReader(bytes.NewReader(archive)); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if files[header.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
}

func TestImage_StartsItsProgram(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tool")
	if err := os.WriteFile(path, []byte("program"), 0o700); err != nil {
		t.Fatal(err)
	}
	archive, err := Image{Name: "company.com/tool:v1", Program: path}.archive()
	if err != nil {
		t.Fatal(err)
	}
	files := unpack(t, archive)
	var manifest []struct {
		Config           string
		RepoTags, Layers []string
	}
	if err := json.Unmarshal(files["manifest.json"], &manifest); err != nil {
		t.Fatal(err)
	}
	var settings struct {
		Config struct{ Entrypoint []string }
		RootFS struct {
			DiffIDs []string `json:"diff_ids"`
		}
	}
	if err := json.Unmarshal(files[manifest[0].Config], &settings); err != nil {
		t.Fatal(err)
	}
	layer := files[manifest[0].Layers[0]]
	digest := sha256.Sum256(layer)
	if settings.RootFS.DiffIDs[0] != "sha256:"+hex.EncodeToString(digest[:]) || manifest[0].RepoTags[0] != "company.com/tool:v1" {
		t.Errorf("got %+v and %+v", manifest, settings)
	}
	if content := unpack(t, layer)["tool"]; string(content) != "program" || settings.Config.Entrypoint[0] != "/tool" {
		t.Errorf("it starts %v, which is %q", settings.Config.Entrypoint, content)
	}
}
