package node

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
)

// Image is a container image of one static program.
type Image struct {
	// Name is its reference, such as company.com/tool:v1.
	Name string
	// Program is the path of the program on this machine.
	Program string
}

// archive is the image as `docker save` writes it.
func (i Image) archive() ([]byte, error) {
	program, err := os.ReadFile(i.Program)
	if err != nil {
		return nil, fmt.Errorf("reading the program of %s: %w", i.Name, err)
	}
	path := "/" + filepath.Base(i.Program)
	layer, err := tarOf(entry{name: path[1:], content: program, mode: 0o755}, entry{name: "tmp/", mode: 0o1777})
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256(layer)
	settings, err := json.Marshal(map[string]any{
		"architecture": runtime.GOARCH, "os": "linux",
		"config": map[string]any{"Entrypoint": []string{path}},
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{"sha256:" + hex.EncodeToString(digest[:])}},
	})
	if err != nil {
		return nil, fmt.Errorf("writing the settings of %s: %w", i.Name, err)
	}
	manifest, err := json.Marshal([]map[string]any{{"Config": "config.json", "RepoTags": []string{i.Name}, "Layers": []string{"layer.tar"}}})
	if err != nil {
		return nil, fmt.Errorf("writing the manifest of %s: %w", i.Name, err)
	}
	return tarOf(entry{"layer.tar", layer, 0o644}, entry{"config.json", settings, 0o644}, entry{"manifest.json", manifest, 0o644})
}

type entry struct {
	name    string
	content []byte
	mode    int64
}

func tarOf(entries ...entry) ([]byte, error) {
	var text bytes.Buffer
	w := tar.NewWriter(&text)
	for _, e := range entries {
		header := &tar.Header{Name: e.name, Mode: e.mode, Size: int64(len(e.content)), Typeflag: tar.TypeReg}
		if e.name[len(e.name)-1] == '/' {
			header.Typeflag = tar.TypeDir
		}
		if err := w.WriteHeader(header); err != nil {
			return nil, fmt.Errorf("writing an archive: %w", err)
		}
		if _, err := w.Write(e.content); err != nil {
			return nil, fmt.Errorf("writing an archive: %w", err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("writing an archive: %w", err)
	}
	return text.Bytes(), nil
}

// tarDirectory archives a directory.
func tarDirectory(w io.Writer, dir string) error {
	archive := tar.NewWriter(w)
	if err := archive.AddFS(os.DirFS(dir)); err != nil {
		return fmt.Errorf("archiving %s: %w", dir, err)
	}
	return archive.Close()
}
