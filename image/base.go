package main

import (
	"archive/tar"
	"bytes"
	"encoding/pem"
	"fmt"
	"io"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

const (
	// user is the user and group of the chart's security context, and of distroless' nonroot images.
	user    = "65532:65532"
	baseTag = "nonroot"
	caFile  = "etc/ssl/certs/ca-certificates.crt"
)

var platforms = []string{"linux/amd64", "linux/arm64"}

// file is one entry of the base image's only layer.
type file struct {
	name, content string
	mode          int64
	owner         int
}

// files are what a static Go program needs, as in distroless/static: user names, the roots that Mozilla trusts (from golang.org/x/crypto)
// and a directory for temporary files. There is no shell, libc or package manager.
func files() []file {
	return []file{
		{name: "etc/", mode: 0o755},
		{name: "etc/passwd", mode: 0o644, content: "root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n"},
		{name: "etc/group", mode: 0o644, content: "root:x:0:\nnonroot:x:65532:\n"},
		{name: "etc/nsswitch.conf", mode: 0o644, content: "hosts: files dns\n"},
		{name: "etc/ssl/", mode: 0o755},
		{name: "etc/ssl/certs/", mode: 0o755},
		{name: caFile, mode: 0o644, content: roots()},
		{name: "home/", mode: 0o755},
		{name: "home/nonroot/", mode: 0o700, owner: 65532},
		{name: "tmp/", mode: 0o1777},
	}
}

// roots leaves out roots with constraints, which a PEM file can't express.
func roots() string {
	var text bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			_ = pem.Encode(&text, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}) // a buffer never fails
		}
	}
	return text.String()
}

// baseIndex is the base image for every platform. All have the same layer, with fixed dates, so that it is reproducible.
func baseIndex(created time.Time) (v1.ImageIndex, error) {
	text, err := archive(files())
	if err != nil {
		return nil, fmt.Errorf("archiving the base image: %w", err)
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(text)), nil
	}, tarball.WithMediaType(types.OCILayer))
	if err != nil {
		return nil, fmt.Errorf("creating the layer of the base image: %w", err)
	}
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, platform := range platforms {
		image, err := baseImage(layer, platform, created)
		if err != nil {
			return nil, fmt.Errorf("creating the base image for %s: %w", platform, err)
		}
		on, _ := v1.ParsePlatform(platform)
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{Platform: on}})
	}
	return index, nil
}

func baseImage(layer v1.Layer, platform string, created time.Time) (v1.Image, error) {
	os, architecture, _ := strings.Cut(platform, "/")
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	image, err := mutate.Append(image, mutate.Addendum{Layer: layer, History: v1.History{Created: v1.Time{Time: created}, CreatedBy: "image/base.go"}})
	if err != nil {
		return nil, err
	}
	return mutate.ConfigFile(image, func() *v1.ConfigFile {
		config, _ := image.ConfigFile()
		config = config.DeepCopy()
		config.OS, config.Architecture, config.Created = os, architecture, v1.Time{Time: created}
		config.Config.User = user
		config.Config.Env = []string{"SSL_CERT_FILE=/" + caFile}
		return config
	}())
}

func archive(all []file) ([]byte, error) {
	var text bytes.Buffer
	w := tar.NewWriter(&text)
	for _, f := range all {
		header := &tar.Header{
			Name: f.name, Mode: f.mode, Size: int64(len(f.content)), Uid: f.owner, Gid: f.owner,
			ModTime: time.Unix(0, 0), Typeflag: tar.TypeReg, Format: tar.FormatPAX,
		}
		if strings.HasSuffix(f.name, "/") {
			header.Typeflag = tar.TypeDir
		}
		if err := w.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := io.WriteString(w, f.content); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return text.Bytes(), err
}
