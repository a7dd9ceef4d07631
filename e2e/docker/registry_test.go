//go:build linux

package docker

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

// registry serves the image of an OCI layout under any name and tag, to those who sign in as ana.
func registry(layout string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v2/{$}", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /v2/integration/manifests/{reference}", func(w http.ResponseWriter, r *http.Request) {
		reference := r.PathValue("reference")
		if !strings.HasPrefix(reference, "sha256:") {
			reference = indexDigest(layout)
		}
		text, err := os.ReadFile(blobOf(layout, reference))
		if err != nil {
			http.NotFound(w, r)
			return
		}
		var manifest struct{ MediaType string }
		_ = json.Unmarshal(text, &manifest)
		w.Header().Set("Content-Type", manifest.MediaType)
		w.Header().Set("Docker-Content-Digest", reference)
		_, _ = w.Write(text)
	})
	mux.HandleFunc("GET /v2/integration/blobs/{digest}", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, blobOf(layout, r.PathValue("digest")))
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "ana" || password != "battery-staple" {
			w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func blobOf(layout, digest string) string {
	return filepath.Join(layout, "blobs", "sha256", filepath.Base(strings.TrimPrefix(digest, "sha256:")))
}

// indexDigest is the digest of the index that the layout holds.
func indexDigest(layout string) string {
	text, _ := os.ReadFile(filepath.Join(layout, "index.json")) //nolint:gosec // of this test
	var index struct{ Manifests []struct{ Digest string } }
	if json.Unmarshal(text, &index) != nil || len(index.Manifests) == 0 {
		return ""
	}
	return index.Manifests[0].Digest
}
