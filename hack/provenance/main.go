// Command provenance prints how a release was built, as an in-toto statement with SLSA's predicate v1 (slsa.dev/spec/v1.0/provenance).
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"
	"strings"
)

const source = "https://platform.company.com/workspace-flyte-integration"

type subject struct {
	Name   string            `json:"name"`
	Digest map[string]string `json:"digest"`
}

type dependency struct {
	URI    string            `json:"uri"`
	Digest map[string]string `json:"digest,omitempty"`
}

func main() {
	version := flag.String("version", "", "version of the release")
	commit := flag.String("commit", "", "commit it was built from")
	image := flag.String("image", "", "name@sha256:digest of the image's index")
	checksums := flag.String("checksums", "", "file that sha256sum wrote")
	flag.Parse()
	if err := write(*version, *commit, *image, *checksums); err != nil {
		fmt.Fprintln(os.Stderr, "provenance:", err)
		os.Exit(1)
	}
}

func write(version, commit, image, checksums string) error {
	subjects, err := subjectsOf(image, checksums)
	if err != nil {
		return err
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", "  ")
	return encoder.Encode(map[string]any{
		"_type": "https://in-toto.io/Statement/v1", "subject": subjects, "predicateType": "https://slsa.dev/provenance/v1",
		"predicate": map[string]any{
			"buildDefinition": map[string]any{
				"buildType":          "https://slsa.dev/container-based-build/v0.1?draft",
				"externalParameters": map[string]string{"command": "make release VERSION=" + version},
				"internalParameters": map[string]string{"go": runtime.Version()},
				"resolvedDependencies": []dependency{{
					URI: "git+" + source, Digest: map[string]string{"gitCommit": commit},
				}},
			},
			"runDetails": map[string]any{"builder": map[string]string{"id": source + "/hack/release.sh"}},
		},
	})
}

// subjectsOf are the image and the files of the release.
func subjectsOf(image, checksums string) ([]subject, error) {
	name, digest, ok := strings.Cut(image, "@sha256:")
	if !ok {
		return nil, errors.New("--image must be name@sha256:digest")
	}
	text, err := os.ReadFile(checksums)
	if err != nil {
		return nil, err
	}
	subjects := []subject{{name, map[string]string{"sha256": digest}}}
	for line := range strings.Lines(string(text)) {
		sum, file, ok := strings.Cut(strings.TrimSpace(line), "  ")
		if !ok {
			return nil, fmt.Errorf("reading %s: %q", checksums, line)
		}
		subjects = append(subjects, subject{file, map[string]string{"sha256": sum}})
	}
	return subjects, nil
}
