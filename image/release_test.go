package main

import (
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

func TestWriteTars_LoadUnderTheirTag(t *testing.T) {
	o := options{tars: t.TempDir(), tag: "integration:v1", version: "v1"}
	if err := o.writeTars(base(t)); err != nil {
		t.Fatal(err)
	}
	tag, err := name.NewTag(o.tag)
	if err != nil {
		t.Fatal(err)
	}
	for _, platform := range platforms {
		_, architecture, _ := strings.Cut(platform, "/")
		image, err := tarball.ImageFromPath(filepath.Join(o.tars, "integration_v1_linux_"+architecture+".image.tar"), &tag)
		if err != nil {
			t.Fatal(err)
		}
		if config, err := image.ConfigFile(); err != nil || config.Architecture != architecture {
			t.Errorf("%s: %+v %v", platform, config, err)
		}
	}
}

func TestAttach_AddsReferrers(t *testing.T) {
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0)), registry.WithReferrersSupport(true)))
	defer server.Close()
	o := options{push: strings.TrimPrefix(server.URL, "http://") + "/integration:v1"}
	for _, file := range []string{"a.spdx.json", "provenance.intoto.json"} {
		path := filepath.Join(t.TempDir(), file)
		if err := os.WriteFile(path, []byte(`{"file":"`+file+`"}`), 0o600); err != nil {
			t.Fatal(err)
		}
		o.attachments = append(o.attachments, path)
	}
	if err := o.pushIndex(t.Context(), base(t)); err != nil {
		t.Fatal(err)
	}
	if err := o.attach(t.Context(), base(t)); err != nil {
		t.Fatal(err)
	}
	digest, err := base(t).Digest()
	if err != nil {
		t.Fatal(err)
	}
	reference, err := name.ParseReference(o.push)
	if err != nil {
		t.Fatal(err)
	}
	referrers, err := remote.Referrers(reference.Context().Digest(digest.String()))
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := referrers.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, m := range manifest.Manifests {
		kinds = append(kinds, m.ArtifactType)
	}
	slices.Sort(kinds)
	if want := []string{"application/spdx+json", "application/vnd.in-toto+json"}; !slices.Equal(kinds, want) {
		t.Errorf("the referrers are %q, want %q", kinds, want)
	}
	o.attachments = []string{"sbom.txt"}
	if err := o.attach(t.Context(), base(t)); err == nil {
		t.Error("a file of an unknown kind is attached")
	}
}

// The Dockerfile builds what the builder does.
func TestDockerfile_MakesTheSameImage(t *testing.T) {
	text, err := os.ReadFile("../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	dockerfile := strings.ReplaceAll(string(text), `\n`, "\n")
	for _, f := range files() {
		if strings.HasPrefix(f.name, "etc/") && f.content != "" && f.name != caFile && !strings.Contains(dockerfile, f.content) {
			t.Errorf("the Dockerfile writes another %s", f.name)
		}
	}
	for _, want := range []string{
		"USER " + user, `ENTRYPOINT ["/ko-app/integration"]`, "ENV SSL_CERT_FILE=/" + caFile, "chmod 1777 /root-fs/tmp", "EXPOSE 8080 9090",
	} {
		if !strings.Contains(dockerfile, want) {
			t.Errorf("the Dockerfile lacks %s", want)
		}
	}
	for key, value := range (options{}).labels() {
		if value != "" && !strings.Contains(dockerfile, key+`="`+value+`"`) {
			t.Errorf("the Dockerfile lacks the label %s", key)
		}
	}
}
