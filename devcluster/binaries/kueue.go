package binaries

import (
	"context"
	"io"
	"path/filepath"
	"runtime"
)

const kueueProgram = "kueue"

// Kueue returns the path of Kueue's controller manager, which is built first if the cache lacks it.
func Kueue(ctx context.Context, out io.Writer) (string, error) {
	dir, err := provide(ctx, out, kueue)
	return filepath.Join(dir, kueueProgram), err
}

func kueue(s source) set {
	return set{
		title: "Kueue " + s.versions.kueue,
		path:  filepath.Join("kueue", s.versions.kueue+"-"+runtime.GOOS+"-"+runtime.GOARCH),
		files: []string{kueueProgram},
		builds: []Build{{
			Name: "queue controller", Module: s.kueue, LinkerFlags: "-s -w", Packages: []string{kueueModule + "/cmd/kueue"},
		}},
		finish: func(context.Context, string) error { return nil },
	}
}

// KueueChart returns the directory of Kueue's Helm chart, in the version of [Kueue].
func KueueChart(ctx context.Context) (string, error) {
	from, err := findSource()
	if err != nil {
		return "", err
	}
	source, err := download(ctx, from.kueue, kueueModule)
	return filepath.Join(source, "charts", "kueue"), err
}
