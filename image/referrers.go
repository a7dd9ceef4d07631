package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// mediaTypes are those of the files that may be attached, by the end of their names.
var mediaTypes = map[string]types.MediaType{
	".spdx.json":   "application/spdx+json",
	".intoto.json": "application/vnd.in-toto+json",
}

// attach pushes each file as an artifact whose subject is the index (OCI distribution specification 1.1, Referrers).
func (o options) attach(ctx context.Context, index v1.ImageIndex) error {
	reference, err := name.ParseReference(o.push)
	if err != nil {
		return fmt.Errorf("reading --push: %w", err)
	}
	subject, err := partial.Descriptor(index)
	if err != nil {
		return err
	}
	for _, file := range o.attachments {
		artifact, err := artifactOf(file, *subject)
		if err != nil {
			return err
		}
		digest, err := artifact.Digest()
		if err != nil {
			return err
		}
		to := reference.Context().Digest(digest.String())
		if err := remote.Write(to, artifact, remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain)); err != nil {
			return fmt.Errorf("attaching %s: %w", file, err)
		}
	}
	return nil
}

func artifactOf(file string, subject v1.Descriptor) (v1.Image, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	for end, mediaType := range mediaTypes {
		if !strings.HasSuffix(file, end) {
			continue
		}
		artifact := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), mediaType)
		artifact, err = mutate.Append(artifact, mutate.Addendum{
			Layer: static.NewLayer(content, mediaType), MediaType: mediaType,
			Annotations: map[string]string{"org.opencontainers.image.title": filepath.Base(file)},
		})
		if err != nil {
			return nil, fmt.Errorf("packing %s: %w", file, err)
		}
		return mutate.Subject(artifact, subject).(v1.Image), nil
	}
	return nil, fmt.Errorf("attaching %s: its name must end with .spdx.json or .intoto.json", file)
}
