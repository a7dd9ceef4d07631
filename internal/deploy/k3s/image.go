package k3s

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
	"platform.company.com/workspace-flyte-integration/internal/deploy/archive"
	"platform.company.com/workspace-flyte-integration/internal/deploy/progress"
)

// importTo imports the image to one host.
func (t *Target) importTo(ctx context.Context, steps *progress.Steps, name string) error {
	return t.onHost(ctx, steps, name, func(h *host) error {
		return steps.RunAll(ctx, h.task("import_image", t.importImage))
	})
}

// importImage streams the image into containerd, also if one of that name is there: it may be an older one.
func (t *Target) importImage(ctx context.Context, step *progress.Step, h *host) error {
	image, err := archive.Read(t.o.Image)
	if err != nil {
		return deploy.Failf(deploy.PreflightFailed, "reading the image (see --image-archive): %w", err)
	}
	if _, err := t.inspect(ctx, h); err != nil {
		return err
	}
	if !slices.Contains(image.Architectures, h.arch) {
		return deploy.Failf(deploy.PreflightFailed, "%s is %s, and the image %s is for %s: build it for that architecture", h.name, h.arch,
			t.o.Image, strings.Join(image.Architectures, ", "))
	}
	file, err := os.Open(t.o.Image)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := h.Script(ctx, importScript, file, step.Output); err != nil {
		return fmt.Errorf("importing the image to %s: %w", h.name, err)
	}
	return t.verifyImage(ctx, step, h, image)
}

// verifyImage makes sure that the host has the image: an import may end without an error, and without the image.
func (t *Target) verifyImage(ctx context.Context, step *progress.Step, h *host, image *archive.Image) error {
	output, err := h.Output(ctx, imagesScript)
	if err != nil {
		return fmt.Errorf("listing the images of %s: %w", h.name, err)
	}
	names := strings.Fields(output)
	for _, name := range image.Names {
		if !slices.ContainsFunc(names, func(there string) bool { return there == name || strings.HasSuffix(there, "/"+name) }) {
			return fmt.Errorf("importing the image to %s: containerd does not list %s: `k3s ctr images import` there says why", h.name, name)
		}
	}
	step.Summarize("%s on %s", strings.Join(image.Names, ", "), h.name)
	return nil
}
