package node

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"

	"platform.company.com/workspace-flyte-integration/devcluster/binaries"
)

// Load makes an image known to the node, which pulls nothing.
func (c *Cluster) Load(ctx context.Context, image Image) error {
	text, err := image.archive()
	if err != nil {
		return err
	}
	return c.ctr(ctx, bytes.NewReader(text), "images", "import", "--local", "-")
}

// LoadLayout makes the image of an OCI layout, such as that of `make image`, known to the node by a name.
func (c *Cluster) LoadLayout(ctx context.Context, dir, name string) error {
	reader, writer := io.Pipe()
	defer reader.Close()
	go func() { writer.CloseWithError(tarDirectory(writer, dir)) }()
	return c.ctr(ctx, reader, "images", "import", "--local", "--index-name", name, "-")
}

// KillContainer sends SIGKILL to the first process of a container, as when its program crashes.
func (c *Cluster) KillContainer(ctx context.Context, id string) error {
	return c.ctr(ctx, nil, "tasks", "kill", "--signal", "SIGKILL", id)
}

// ctr runs containerd's command line in the namespace of Kubernetes.
func (c *Cluster) ctr(ctx context.Context, stdin io.Reader, args ...string) error {
	args = append([]string{"--address", c.config.path(containerdSocket), "--namespace", "k8s.io"}, args...)
	cmd := exec.CommandContext(ctx, c.config.program(binaries.Ctr), args...)
	cmd.Stdin = stdin
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("running ctr %v: %w\n%s", args, err, text)
	}
	return nil
}
