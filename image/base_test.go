package main

import (
	"archive/tar"
	"bytes"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

func base(t *testing.T) v1.ImageIndex {
	t.Helper()
	index, err := baseIndex(time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	return index
}

func TestBase_IsReproducible(t *testing.T) {
	first, err := base(t).Digest()
	if err != nil {
		t.Fatal(err)
	}
	if second, err := base(t).Digest(); err != nil || second != first {
		t.Errorf("got %s and %s, %v", first, second, err)
	}
}

func TestBase_HasUserRootsAndTmp(t *testing.T) {
	text, err := archive(files())
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]*tar.Header{}
	for r := tar.NewReader(bytes.NewReader(text)); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		found[header.Name] = header
		content, _ := io.ReadAll(r)
		switch header.Name {
		case caFile:
			if !x509.NewCertPool().AppendCertsFromPEM(content) || bytes.Count(content, []byte("BEGIN")) < 100 {
				t.Error("the roots are missing")
			}
		case "etc/passwd":
			if !strings.Contains(string(content), ":65532:65532:") {
				t.Errorf("the user has no name: %s", content)
			}
		}
	}
	if found[caFile] == nil || found["etc/passwd"] == nil || found["tmp/"] == nil || found["tmp/"].Mode != 0o1777 {
		t.Errorf("it contains %v", found)
	}
}

func TestBase_HasEachPlatform(t *testing.T) {
	index := base(t)
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, m := range manifest.Manifests {
		image, err := index.Image(m.Digest)
		if err != nil {
			t.Fatal(err)
		}
		config, err := image.ConfigFile()
		if err != nil || config.Config.User != user || m.Platform.Architecture != config.Architecture {
			t.Errorf("%s: %+v %v", m.Platform, config, err)
		}
		all = append(all, m.Platform.String())
	}
	if strings.Join(all, " ") != strings.Join(platforms, " ") {
		t.Errorf("got %v", all)
	}
}

func TestPush(t *testing.T) {
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	reference := strings.TrimPrefix(server.URL, "http://") + "/integration:v1"
	if err := (options{push: reference}).pushIndex(t.Context(), base(t)); err != nil {
		t.Fatal(err)
	}
	parsed, err := name.ParseReference(reference)
	if err != nil {
		t.Fatal(err)
	}
	there, err := remote.Index(parsed)
	if err != nil {
		t.Fatal(err)
	}
	want, _ := base(t).Digest()
	if got, err := there.Digest(); err != nil || got != want {
		t.Errorf("got %s, want %s, %v", got, want, err)
	}
	if err := (options{push: "Not a reference"}).pushIndex(t.Context(), base(t)); err == nil {
		t.Error("an invalid reference is accepted")
	}
}
