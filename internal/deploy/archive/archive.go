// Package archive reads the small files of tars, and what those of a container image say of it.
package archive

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

var errNoArchive = errors.New("it is not an image archive: make one with `docker save` or `make release`")

// Image is what a tar of an image says of it.
type Image struct {
	// Names are its references, and Architectures those that it has layers for.
	Names, Architectures []string
}

// maxFile bounds a file that is read, in bytes.
const maxFile = 1 << 20

// Read reads a tar that `docker save` or an OCI builder has written.
func Read(path string) (*Image, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	a, err := readImage(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return a, nil
}

func readImage(file io.Reader) (*Image, error) {
	metadata, err := ReadFiles(file) // manifests and configurations, not layers
	if err != nil {
		return nil, err
	}
	a := &Image{}
	if text, ok := metadata["manifest.json"]; ok {
		err = a.readDocker(text, metadata)
	} else {
		err = a.readOCI(metadata["index.json"], metadata)
	}
	if err == nil && len(a.Architectures) == 0 {
		err = errNoArchive
	}
	return a, err
}

// ReadFiles reads the files of a tar that are at most 1 MiB long, by their paths in it.
func ReadFiles(from io.Reader) (map[string][]byte, error) {
	files := map[string][]byte{}
	for archive := tar.NewReader(from); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		if header.Typeflag != tar.TypeReg || header.Size > maxFile {
			continue
		}
		if files[header.Name], err = io.ReadAll(archive); err != nil {
			return nil, err
		}
	}
}

func (a *Image) readDocker(text []byte, metadata map[string][]byte) error {
	var images []struct {
		Config   string
		RepoTags []string
	}
	if err := json.Unmarshal(text, &images); err != nil {
		return err
	}
	for _, image := range images {
		a.Names = append(a.Names, image.RepoTags...)
		a.addArchitecture(metadata[image.Config])
	}
	return nil
}

// addArchitecture reads the configuration of an image.
func (a *Image) addArchitecture(config []byte) {
	var image struct{ Architecture string }
	if json.Unmarshal(config, &image) == nil && image.Architecture != "" && !slices.Contains(a.Architectures, image.Architecture) {
		a.Architectures = append(a.Architectures, image.Architecture)
	}
}

// descriptor is a reference in an OCI layout.
type descriptor struct {
	Digest      string
	Annotations map[string]string
}

// refName are the annotations that name an image.
var refName = []string{"io.containerd.image.name", "org.opencontainers.image.ref.name"}

// name is the reference of an image with its tag, or "".
func (d *descriptor) name() string {
	for _, key := range refName {
		if name := d.Annotations[key]; strings.Contains(name, ":") {
			return name
		}
	}
	return ""
}

func (a *Image) readOCI(text []byte, metadata map[string][]byte) error {
	var index struct {
		Manifests []descriptor
		Config    descriptor
	}
	if err := json.Unmarshal(text, &index); err != nil {
		return errNoArchive
	}
	a.addArchitecture(metadata[blob(index.Config.Digest)])
	for _, manifest := range index.Manifests {
		if name := manifest.name(); name != "" {
			a.Names = append(a.Names, name)
		}
		if below := metadata[blob(manifest.Digest)]; below != nil {
			if err := a.readOCI(below, metadata); err != nil {
				return err
			}
		}
	}
	return nil
}

func blob(digest string) string { return "blobs/" + strings.Replace(digest, ":", "/", 1) }
