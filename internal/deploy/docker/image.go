package docker

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/distribution/reference"
	"github.com/moby/moby/client"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
	"platform.company.com/workspace-flyte-integration/internal/deploy/archive"
	"platform.company.com/workspace-flyte-integration/internal/deploy/progress"
)

// architectures are the engine's names of those that the image is built for.
var architectures = map[string]string{"x86_64": "amd64", "aarch64": "arm64", "amd64": "amd64", "arm64": "arm64"}

// image is one that the host has.
type image struct{ name, id, digest, version string }

// provide sends the image to the host, has the host pull it, or finds it there, and checks its architecture.
func (op *operation) provide(ctx context.Context, step *progress.Step, arch string) (*image, error) {
	name := op.o.Image
	var err error
	if op.o.Archive != "" {
		name, err = op.load(ctx, step, arch)
	} else {
		err = op.pull(ctx, step, name)
	}
	if err != nil {
		return nil, err
	}
	found, err := op.find(ctx, name)
	if err != nil {
		return nil, err
	}
	if found == nil {
		return nil, deploy.Failf(deploy.PreflightFailed, "%s does not have the image %s: give --pull or --image-archive", op.place(), name)
	}
	step.Summarize("%s, %s", name, found.id)
	return found, op.checkArchitecture(ctx, found, arch)
}

// find returns an image of the host, or nil.
func (t *Target) find(ctx context.Context, name string) (*image, error) {
	inspected, err := t.engine.ImageInspect(ctx, name)
	if cerrdefs.IsNotFound(err) {
		return nil, nil //nolint:nilnil // none is an answer
	}
	if err != nil {
		return nil, fmt.Errorf("inspecting the image %s: %w", name, err)
	}
	found := &image{name: name, id: inspected.ID, version: versionOf(name)}
	if inspected.Config != nil && inspected.Config.Labels["org.opencontainers.image.version"] != "" {
		found.version = inspected.Config.Labels["org.opencontainers.image.version"]
	}
	repository := repositoryOf(name)
	for _, digest := range inspected.RepoDigests {
		if repositoryOf(digest) == repository {
			found.digest = digest
		}
	}
	return found, nil
}

func (t *Target) checkArchitecture(ctx context.Context, found *image, arch string) error {
	inspected, err := t.engine.ImageInspect(ctx, found.id)
	if err != nil {
		return fmt.Errorf("inspecting the image %s: %w", found.name, err)
	}
	if inspected.Architecture != arch {
		return deploy.Failf(deploy.PreflightFailed, "%s is %s, and the image %s is for %s: build it for that architecture", t.place(), arch,
			found.name, inspected.Architecture)
	}
	return nil
}

// load sends an archive, and returns the name of its image.
func (op *operation) load(ctx context.Context, step *progress.Step, arch string) (string, error) {
	read, err := archive.Read(op.o.Archive)
	if err != nil {
		return "", deploy.Failf(deploy.PreflightFailed, "reading the image (see --image-archive): %w", err)
	}
	name, err := op.nameIn(read, arch)
	if err != nil {
		return "", err
	}
	return name, op.send(ctx, step)
}

// nameIn is the name of the image to load from an archive, which must be for the architecture of the host.
func (op *operation) nameIn(read *archive.Image, arch string) (string, error) {
	name := op.o.Image
	switch {
	case !slices.Contains(read.Architectures, arch):
		return "", deploy.Failf(deploy.PreflightFailed, "%s is %s, and the image in %s is for %s: build it for that architecture", op.place(),
			arch, op.o.Archive, strings.Join(read.Architectures, ", "))
	case len(read.Names) == 0:
		return "", deploy.Failf(deploy.PreflightFailed, "the image in %s has no name: save it with its name and tag", op.o.Archive)
	case name == "":
		return read.Names[0], nil
	case !slices.Contains(read.Names, name):
		return "", deploy.Failf(deploy.PreflightFailed, "%s has no image %s: name one of %s with --image", op.o.Archive, name,
			strings.Join(read.Names, ", "))
	}
	return name, nil
}

// send makes the engine load the archive.
func (op *operation) send(ctx context.Context, step *progress.Step) error {
	file, err := os.Open(op.o.Archive)
	if err != nil {
		return err
	}
	defer file.Close()
	size := int64(0)
	if info, err := file.Stat(); err == nil {
		size = info.Size()
	}
	loaded, err := op.engine.ImageLoad(ctx, &meter{reader: file, total: size, step: step}, client.ImageLoadWithQuiet(true))
	if err != nil {
		return fmt.Errorf("loading the image: %w", err)
	}
	defer loaded.Close()
	return readMessages(loaded)
}

// pull makes the host pull an image that it does not have, or any if that was asked for.
func (op *operation) pull(ctx context.Context, step *progress.Step, name string) error {
	named, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return deploy.Failf(deploy.PreflightFailed, "--image %s: %w", name, err)
	}
	if there, err := op.find(ctx, name); err != nil || there != nil && !op.o.Pull {
		return err
	}
	credentials := ""
	if op.o.Credentials != nil {
		if credentials, err = op.o.Credentials(ctx, reference.Domain(named)); err != nil {
			return deploy.Failf(deploy.PreflightFailed, "reading the credentials of %s: %w", reference.Domain(named), err)
		}
	}
	pulled, err := op.engine.ImagePull(ctx, name, client.ImagePullOptions{RegistryAuth: credentials})
	if err == nil {
		defer pulled.Close()
		err = showPull(ctx, step, pulled)
	}
	if err != nil {
		return deploy.Failf(deploy.PreflightFailed, "%s can't pull %s: check its name, and `docker login` here: %w", op.place(), name, err)
	}
	return nil
}

// showPull shows what the engine says of a pull, until it ends.
func showPull(ctx context.Context, step *progress.Step, pulled client.ImagePullResponse) error {
	for message, err := range pulled.JSONMessages(ctx) {
		switch {
		case err != nil:
			return err
		case message.Error != nil:
			return message.Error
		case message.Progress == nil:
			step.Progress(0, 0, strings.TrimSpace(message.ID+" "+message.Status))
		}
	}
	return nil
}

// meter shows how much of a file was sent.
type meter struct {
	reader      io.Reader
	total, sent int64
	shown       int64
	step        *progress.Step
}

// Read implements [io.Reader].
func (m *meter) Read(p []byte) (int, error) {
	n, err := m.reader.Read(p)
	m.sent += int64(n)
	const part = 10
	if m.total > 0 && m.sent*part/m.total > m.shown {
		m.shown = m.sent * part / m.total
		m.step.Progress(int(m.sent>>20), int(m.total>>20), fmt.Sprintf("sent %d of %d MiB", m.sent>>20, m.total>>20))
	}
	return n, err
}

// repositoryOf is a reference without tag and digest.
func repositoryOf(name string) string {
	named, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return name
	}
	return named.Name()
}

// versionOf is the tag of an image whose labels name no version.
func versionOf(name string) string {
	named, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return "unknown"
	}
	if tagged, ok := named.(reference.Tagged); ok {
		return tagged.Tag()
	}
	return "unknown"
}
