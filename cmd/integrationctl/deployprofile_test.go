package main

import (
	"slices"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

// TestPathFlags_AreAllFlagsThatNameFiles proves that every path in a profile is relative to the profile.
func TestPathFlags_AreAllFlagsThatNameFiles(t *testing.T) {
	found := []string{}
	for _, c := range allBelow(newDeployCommand(genericiooptions.NewTestIOStreamsDiscard())) {
		c.Flags().VisitAll(func(f *pflag.Flag) {
			argument, _ := pflag.UnquoteUsage(f)
			isPath := slices.Contains([]string{"file", "directory", "tar"}, argument)
			if isPath && !slices.Contains(notInProfile, f.Name) {
				found = append(found, f.Name)
				if !slices.Contains(pathFlags, f.Name) {
					t.Errorf("%s --%s names a file, and pathFlags does not have it", c.Name(), f.Name)
				}
			}
		})
	}
	if len(found) == 0 {
		t.Error("no flag names a file")
	}
}

func allBelow(c *cobra.Command) []*cobra.Command {
	all := []*cobra.Command{c}
	for _, child := range c.Commands() {
		all = append(all, allBelow(child)...)
	}
	return all
}
