package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
)

var (
	// notInProfile are flags that a person decides each time.
	notInProfile = []string{"yes", "dry-run", "purge", "confirm", "profile", "reason", "rotate", "force", "secret-file", "help"}
	// pathFlags name files; in a profile they are relative to it.
	pathFlags = []string{
		"values", "kubeconfig", "webhook-secret-file", "service-kubeconfig", "ssh-key", "sudo-password-file", "bundle", "registries",
		"image-archive",
	}
)

// applyProfile sets the flags that the command line leaves out, and returns the arguments after the target.
func (d *deployment) applyProfile(c *cobra.Command, args []string) (rest []string, err error) {
	file := cmp.Or(d.flags.profile, deploy.ProfileFile)
	text, err := os.ReadFile(file)
	profile := &deploy.Profile{}
	switch {
	case errors.Is(err, fs.ErrNotExist) && d.flags.profile == "":
		file = ""
	case err != nil:
		return nil, fmt.Errorf("reading the profile (see --profile): %w", err)
	default:
		if profile, err = deploy.ParseProfile(text); err != nil {
			return nil, usagef("reading the profile %s: %v", file, err)
		}
	}
	d.target, rest = profile.Target, args
	if len(args) > 0 && (slices.Contains(deployTargets, args[0]) || profile.Target == "") {
		d.target, rest = args[0], args[1:]
	}
	if d.target == "" {
		return nil, usagef("name a target (%s), or a profile that names one with --profile", strings.Join(deployTargets, ", "))
	}
	return rest, d.setFlags(c, file, profile.Flags[d.target])
}

func (d *deployment) setFlags(c *cobra.Command, file string, values map[string][]string) error {
	for _, name := range slices.Sorted(maps.Keys(values)) {
		flag := c.Flags().Lookup(name)
		switch {
		case slices.Contains(notInProfile, name) || flag == nil && !isDeployFlag(c, name):
			return usagef("reading the profile %s: %s.%s is no flag that a profile may set", file, d.target, name)
		case flag == nil || flag.Changed: // of another command, or set on the command line
			continue
		}
		texts := values[name]
		if slices.Contains(pathFlags, name) {
			texts = relativeTo(filepath.Dir(file), texts)
		}
		if err := setFlag(c, flag, texts); err != nil {
			return usagef("reading the profile %s: %s.%s: %v", file, d.target, name, err)
		}
	}
	return nil
}

func setFlag(c *cobra.Command, flag *pflag.Flag, texts []string) error {
	if _, ok := flag.Value.(pflag.SliceValue); !ok && len(texts) != 1 {
		return errors.New("it takes one value")
	}
	for _, text := range texts {
		if err := c.Flags().Set(flag.Name, text); err != nil {
			return err
		}
	}
	return nil
}

// isDeployFlag says whether any command of "deploy" has the flag.
func isDeployFlag(c *cobra.Command, name string) bool {
	group := c.Parent()
	if group.Name() == "node" {
		group = group.Parent()
	}
	return slices.ContainsFunc(group.Commands(), func(sibling *cobra.Command) bool { return sibling.Flags().Lookup(name) != nil })
}

func relativeTo(dir string, paths []string) []string {
	all := make([]string, len(paths))
	for i, path := range paths {
		all[i] = path
		if !filepath.IsAbs(path) {
			all[i] = filepath.Join(dir, path)
		}
	}
	return all
}
