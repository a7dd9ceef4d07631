package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"path"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/client"

	"platform.company.com/workspace-flyte-integration/internal/deploy/archive"
)

// The directories of the volume, as a container that writes them has it.
const (
	filesDir    = "/data"
	secretsPath = filesDir + "/secrets"
	journalPath = filesDir + "/deploy"
)

// file is one to write. Directories have no content.
type file struct {
	name        string
	content     []byte
	mode        int64
	owner       int
	isDirectory bool
}

func directory(name string, owner int) file {
	return file{name: name + "/", mode: 0o500, owner: owner, isDirectory: true}
}

// filesImage is an image without any file: its containers are never started, and serve to reach the volume.
func (t *Target) filesImage() string { return t.o.Project + "-files:1" }

// createFilesImage imports the empty image, unless it is there.
func (t *Target) createFilesImage(ctx context.Context) error {
	_, err := t.engine.ImageInspect(ctx, t.filesImage())
	if err == nil || !cerrdefs.IsNotFound(err) {
		return err
	}
	var empty bytes.Buffer
	if err := tar.NewWriter(&empty).Close(); err != nil {
		return err
	}
	body, err := t.engine.ImageImport(ctx, client.ImageImportSource{Source: &empty, SourceName: "-"}, t.filesImage(),
		client.ImageImportOptions{Message: "to reach files of a volume"})
	if err != nil {
		return fmt.Errorf("importing the image %s: %w", t.filesImage(), err)
	}
	defer body.Close()
	_, err = io.Copy(io.Discard, body)
	return err
}

// createFilesContainer creates a container that has the volume, and is never started. The engine refuses a name that is taken.
func (t *Target) createFilesContainer(ctx context.Context, name string, labels map[string]string) (id string, err error) {
	if err := t.createFilesImage(ctx); err != nil {
		return "", err
	}
	return t.createContainer(ctx, client.ContainerCreateOptions{
		Name:   name,
		Config: &container.Config{Image: t.filesImage(), Cmd: []string{"never-started"}, Labels: labels},
		HostConfig: &container.HostConfig{
			NetworkMode: "none", Mounts: []mount.Mount{{Type: mount.TypeVolume, Source: t.volume(), Target: filesDir}},
		},
	})
}

// writeFiles writes files below the volume, with their owners and modes.
func (t *Target) writeFiles(ctx context.Context, id string, files ...file) error {
	return t.copyTo(ctx, id, filesDir, files...)
}

func (t *Target) copyTo(ctx context.Context, id, dir string, files ...file) error {
	content, err := tarOf(files)
	if err != nil {
		return err
	}
	_, err = t.engine.CopyToContainer(ctx, id, client.CopyToContainerOptions{DestinationPath: dir, Content: content})
	return err
}

func tarOf(files []file) (io.Reader, error) {
	var text bytes.Buffer
	w := tar.NewWriter(&text)
	for _, f := range files {
		header := &tar.Header{
			Name: f.name, Mode: f.mode, Size: int64(len(f.content)), Typeflag: tar.TypeReg, Uid: f.owner, Gid: f.owner, ModTime: time.Now(),
		}
		if f.isDirectory {
			header.Typeflag = tar.TypeDir
		}
		if err := w.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.content); err != nil {
			return nil, err
		}
	}
	return &text, w.Close()
}

// readFiles reads the files of a directory, by name. A directory that is not there has none.
func (t *Target) readFiles(ctx context.Context, id, dir string) (map[string][]byte, error) {
	files := map[string][]byte{}
	copied, err := t.engine.CopyFromContainer(ctx, id, client.CopyFromContainerOptions{SourcePath: dir})
	if cerrdefs.IsNotFound(err) {
		return files, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", dir, err)
	}
	defer copied.Content.Close()
	byPath, err := archive.ReadFiles(copied.Content)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", dir, err)
	}
	for name, content := range byPath {
		files[path.Base(name)] = content
	}
	return files, nil
}

// readVolume reads a directory of the volume without the lock: by the service's container, or by one that is created for it.
func (t *Target) readVolume(ctx context.Context, sub string) (map[string][]byte, error) {
	if c, err := t.inspect(ctx, t.container()); err != nil {
		return nil, err
	} else if c != nil {
		return t.readFiles(ctx, c.ID, dataDir+"/"+sub)
	}
	if _, err := t.engine.VolumeInspect(ctx, t.volume(), client.VolumeInspectOptions{}); cerrdefs.IsNotFound(err) {
		return map[string][]byte{}, nil
	} else if err != nil {
		return nil, err
	}
	id, err := t.createFilesContainer(ctx, "", nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = t.remove(ctx, id) }()
	return t.readFiles(ctx, id, filesDir+"/"+sub)
}

// remove removes a container, whatever it does, and even if the command was interrupted.
func (t *Target) remove(ctx context.Context, id string) error {
	ctx, cancel := cleanUp(ctx)
	defer cancel()
	_, err := t.engine.ContainerRemove(ctx, id, client.ContainerRemoveOptions{Force: true})
	if cerrdefs.IsNotFound(err) {
		return nil
	}
	return err
}

// inspect returns a container, or nil if there is none.
func (t *Target) inspect(ctx context.Context, name string) (*container.InspectResponse, error) {
	found, err := t.engine.ContainerInspect(ctx, name, client.ContainerInspectOptions{})
	switch {
	case cerrdefs.IsNotFound(err):
		return nil, nil //nolint:nilnil // none is an answer
	case err != nil:
		return nil, fmt.Errorf("inspecting container %q: %w", name, err)
	}
	return &found.Container, nil
}
