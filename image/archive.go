package main

import (
	"fmt"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// writeTars writes the image of each platform as a tar for `docker load`, `kind load image-archive`, `minikube image load` and
// `k3s ctr images import`, under the name and tag of the release.
func (o options) writeTars(index v1.ImageIndex) error {
	tag, err := name.NewTag(o.tag)
	if err != nil {
		return fmt.Errorf("reading --tag: %w", err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return err
	}
	for _, m := range manifest.Manifests {
		image, err := index.Image(m.Digest)
		if err != nil {
			return fmt.Errorf("reading the image for %s: %w", m.Platform, err)
		}
		file := fmt.Sprintf("%s_%s_%s_%s.image.tar", filepath.Base(tag.RepositoryStr()), o.version, m.Platform.OS, m.Platform.Architecture)
		if err := tarball.WriteToFile(filepath.Join(o.tars, file), tag, image); err != nil {
			return fmt.Errorf("writing %s: %w", file, err)
		}
	}
	return nil
}
