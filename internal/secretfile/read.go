// Package secretfile reads secrets and certificates from files, and reads them again when they change.
package secretfile

import (
	"fmt"
	"io"
	"os"
)

// maxSize bounds what is read of a file, in bytes: a Secret of Kubernetes is no larger, and a bundle of CA certificates is far
// smaller.
const maxSize = 1 << 20

// Read returns the content of a regular file of at most 1 MiB. Its errors name the path and never quote the content.
func Read(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() { // opening a pipe could block for ever
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxSize+1))
	if err == nil && len(content) > maxSize {
		err = fmt.Errorf("%s is larger than %d MiB", path, maxSize>>20)
	}
	return content, err
}
