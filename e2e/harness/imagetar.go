package harness

import (
	"os"
	"path/filepath"
	"testing"
)

// ImageTar is the file with the service's image integration:v1, as `docker save` writes it. hack/test-node.sh builds it.
func ImageTar(t testing.TB) string {
	t.Helper()
	tars, err := filepath.Glob(filepath.Join(os.Getenv("NODE_IMAGE_TARS"), "*.tar"))
	Must(t, err)
	if len(tars) != 1 {
		t.Fatalf("there are %d tars of the image", len(tars))
	}
	return tars[0]
}
