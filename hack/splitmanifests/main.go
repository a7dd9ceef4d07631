// Command splitmanifests separates the rendered chart's objects that are kept when a release is removed from all others, so that
// `kubectl delete` of the rest harms no member.
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"

	"sigs.k8s.io/yaml"
)

func main() {
	kept := flag.String("kept", "", "file for the objects that are kept")
	rest := flag.String("rest", "", "file for all others")
	flag.Parse()
	if err := split(flag.Arg(0), *kept, *rest); err != nil {
		fmt.Fprintln(os.Stderr, "splitmanifests:", err)
		os.Exit(1)
	}
}

func split(manifests, kept, rest string) error {
	text, err := os.ReadFile(manifests)
	if err != nil {
		return err
	}
	var keep, others strings.Builder
	for document := range strings.SplitSeq("\n"+string(text), "\n---\n") {
		var object struct {
			Kind     string
			Metadata struct{ Annotations map[string]string }
		}
		if err := yaml.Unmarshal([]byte(document), &object); err != nil {
			return fmt.Errorf("parsing %s: %w", manifests, err)
		}
		to := &others
		switch {
		case object.Kind == "":
			continue
		case object.Metadata.Annotations["helm.sh/resource-policy"] == "keep":
			to = &keep
		}
		to.WriteString("---\n" + strings.TrimSpace(document) + "\n")
	}
	if err := os.WriteFile(kept, []byte(keep.String()), 0o600); err != nil {
		return err
	}
	return os.WriteFile(rest, []byte(others.String()), 0o600)
}
