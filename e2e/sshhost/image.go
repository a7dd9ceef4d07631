//go:build linux

package sshhost

import (
	"archive/tar"
	"bytes"
	"fmt"
)

// ImageTar is an image integration:v1 as `docker save` writes it, without layers.
func ImageTar(arch string) []byte {
	var out bytes.Buffer
	archive := tar.NewWriter(&out)
	for _, f := range [][2]string{
		{"config.json", fmt.Sprintf(`{"architecture": %q, "os": "linux"}`, arch)},
		{"manifest.json", `[{"Config": "config.json", "RepoTags": ["integration:v1"], "Layers": []}]`},
	} {
		_ = archive.WriteHeader(&tar.Header{Name: f[0], Size: int64(len(f[1])), Mode: 0o600, Typeflag: tar.TypeReg})
		_, _ = archive.Write([]byte(f[1]))
	}
	_ = archive.Close()
	return out.Bytes()
}
