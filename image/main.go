// Command image builds the image of the service with ko, without a container engine or a base image from a registry. It writes an OCI
// layout for linux/amd64 and linux/arm64 with SBOMs. One commit gives the same digest on every machine.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/ko/pkg/build"
	"github.com/google/ko/pkg/publish"
)

// options are the flags.
type options struct {
	source, out, push, platforms  string
	tag, tars                     string
	attachments                   []string
	version, commit, date, origin string
}

func main() {
	var o options
	flag.StringVar(&o.source, "source", ".", "the checkout")
	flag.StringVar(&o.out, "out", "bin/image", "directory of the OCI layout and, in sbom/, the SBOMs; its content is replaced")
	flag.StringVar(&o.push, "push", "", "registry/repository:tag to push to, with the credentials of docker login")
	flag.StringVar(&o.platforms, "platform", strings.Join(platforms, ","), "platforms to build for, separated by commas")
	flag.StringVar(&o.tars, "tars", "", "directory for a tar of each platform's image; needs --tag")
	flag.StringVar(&o.tag, "tag", "", "name and tag of the images in --tars")
	flag.Func("attach", "file to push beside the image as its referrer (.spdx.json, .intoto.json); may be repeated", func(file string) error {
		o.attachments = append(o.attachments, file)
		return nil
	})
	flag.StringVar(&o.version, "version", "dev", "version")
	flag.StringVar(&o.commit, "commit", "unknown", "commit")
	flag.StringVar(&o.date, "date", "1970-01-01T00:00:00Z", "time of the commit, RFC 3339")
	flag.StringVar(&o.origin, "origin", "", "URL of the source")
	flag.Parse()
	log.SetOutput(os.Stderr)
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	digest, err := o.run(ctx)
	if err != nil {
		log.Fatal("image: ", err)
	}
	fmt.Println(digest)
}

// run builds and pushes the image, and returns the digest of the index.
func (o options) run(ctx context.Context) (v1.Hash, error) {
	if err := os.RemoveAll(o.out); err != nil {
		return v1.Hash{}, fmt.Errorf("emptying %s: %w", o.out, err)
	}
	index, err := o.build(ctx)
	if err != nil {
		return v1.Hash{}, err
	}
	if _, err := publish.NewLayout(o.out).Publish(ctx, index, "the image"); err != nil {
		return v1.Hash{}, fmt.Errorf("writing the layout: %w", err)
	}
	if o.tars != "" {
		if err := o.writeTars(index); err != nil {
			return v1.Hash{}, err
		}
	}
	if o.push != "" {
		if err := o.pushIndex(ctx, index); err != nil {
			return v1.Hash{}, err
		}
		if err := o.attach(ctx, index); err != nil {
			return v1.Hash{}, err
		}
	}
	return index.Digest()
}

func (o options) build(ctx context.Context) (v1.ImageIndex, error) {
	created, err := time.Parse(time.RFC3339, o.date)
	if err != nil {
		return nil, fmt.Errorf("reading the date: %w", err)
	}
	base, err := baseIndex(created)
	if err != nil {
		return nil, err
	}
	settings := []build.Option{
		build.WithBaseImages(func(context.Context, string) (name.Reference, build.Result, error) {
			return name.MustParseReference("base.invalid/static:" + baseTag), base, nil
		}),
		build.WithPlatforms(strings.Split(o.platforms, ",")...),
		build.WithTrimpath(true),
		build.WithDefaultFlags([]string{"-buildvcs=false"}), // the linker flags have version and commit
		build.WithDefaultEnv([]string{"CGO_ENABLED=0"}),
		build.WithLdflags([]string{
			"-s", "-w", "-X main.version=" + o.version, "-X main.commit=" + o.commit, "-X main.date=" + o.date,
		}),
		build.WithCreationTime(v1.Time{Time: created}),
		build.WithUser(user),
		build.WithSPDX(o.version),
		build.WithSBOMDir(filepath.Join(o.out, "sbom")),
		build.WithJobs(1),
	}
	for key, value := range o.labels() {
		settings = append(settings, build.WithLabel(key, value), build.WithAnnotation(key, value))
	}
	builder, err := build.NewGo(ctx, o.source, settings...)
	if err != nil {
		return nil, fmt.Errorf("preparing the build: %w", err)
	}
	path, err := builder.QualifyImport("./cmd/integration")
	if err != nil {
		return nil, fmt.Errorf("finding the service: %w", err)
	}
	result, err := builder.Build(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("building %s: %w", path, err)
	}
	return asIndex(result)
}

// asIndex is an index also of a single platform, for which ko builds an image alone.
func asIndex(result build.Result) (v1.ImageIndex, error) {
	switch built := result.(type) {
	case v1.ImageIndex:
		return built, nil
	case v1.Image:
		config, err := built.ConfigFile()
		if err != nil {
			return nil, fmt.Errorf("reading the image: %w", err)
		}
		return mutate.AppendManifests(mutate.IndexMediaType(empty.Index, types.OCIImageIndex), mutate.IndexAddendum{
			Add: built, Descriptor: v1.Descriptor{Platform: config.Platform()},
		}), nil
	default:
		return nil, fmt.Errorf("indexing the image: ko built a %T", result)
	}
}

// labels are the annotations of the OCI image specification.
func (o options) labels() map[string]string {
	const prefix = "org.opencontainers.image."
	labels := map[string]string{
		prefix + "title":       "workspace-flyte-integration",
		prefix + "description": "Turns signed workspace webhooks into ready Kubernetes namespaces and Flyte projects.",
		prefix + "licenses":    "Apache-2.0",
		prefix + "version":     o.version,
		prefix + "revision":    o.commit,
		prefix + "created":     o.date,
	}
	if origin := strings.TrimSpace(o.origin); origin != "" {
		labels[prefix+"source"] = origin
	}
	return labels
}

func (o options) pushIndex(ctx context.Context, index v1.ImageIndex) error {
	reference, err := name.ParseReference(o.push)
	if err != nil {
		return fmt.Errorf("reading --push: %w", err)
	}
	if err := remote.WriteIndex(reference, index, remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain)); err != nil {
		return fmt.Errorf("pushing to %s: %w", o.push, err)
	}
	return nil
}
