// Package archive reads what a tar of a container image says of it.
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

// maxMetadata bounds a file of metadata in an archive, in bytes.
const maxMetadata = 1 << 20

// Read reads a tar that `docker save` or an OCI builder has written.
func Read(path string) (*Image, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	metadata, err := readMetadata(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
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
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return a, nil
}

// readMetadata reads all small files: manifests and configurations, not layers.
func readMetadata(file io.Reader) (map[string][]byte, error) {
	metadata := map[string][]byte{}
	for archive := tar.NewReader(file); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return metadata, nil
		}
		if err != nil {
			return nil, err
		}
		if header.Typeflag != tar.TypeReg || header.Size > maxMetadata {
			continue
		}
		if metadata[header.Name], err = io.ReadAll(archive); err != nil {
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
		for _, key := range refName {
			if name := manifest.Annotations[key]; name != "" && strings.Contains(name, ":") {
				a.Names = append(a.Names, name)
				break
			}
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
