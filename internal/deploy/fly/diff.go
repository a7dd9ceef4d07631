package fly

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// Diff implements [deploy.Differ]: it compares the image and each setting of fly.toml with what the app has. Settings that only
// the app has do not count, except variables: flyctl adds its defaults.
func (t *Target) Diff(ctx context.Context, out io.Writer) (differs bool, err error) {
	config, err := t.o.config()
	if err != nil {
		return false, err
	}
	wanted := map[string]string{}
	flatten(wanted, "", config)
	there, err := t.settings(ctx, wanted)
	if err != nil {
		return false, err
	}
	wanted["image"] = cmp.Or(t.o.Image, there["image"])
	return writeDiff(out, there, wanted)
}

// settings are the image of the app, its variables, and those of its settings that are wanted. An app without a release has none.
func (t *Target) settings(ctx context.Context, wanted map[string]string) (map[string]string, error) {
	there := map[string]string{}
	releases, err := t.releases(ctx)
	if err != nil || len(releases) == 0 {
		return there, err
	}
	remote := map[string]any{}
	if err := t.flyctl.json(ctx, &remote, t.app("config", "show")...); err != nil {
		return nil, err
	}
	flatten(there, "", remote)
	maps.DeleteFunc(there, func(path, _ string) bool { // what Fly has added
		_, ok := wanted[path]
		return !ok && !strings.HasPrefix(path, "env.")
	})
	there["image"] = releases[0].ImageRef
	return there, nil
}

// writeDiff writes a line for each value that is there, and one for each that would be.
func writeDiff(out io.Writer, there, wanted map[string]string) (differs bool, err error) {
	both := maps.Clone(there)
	maps.Copy(both, wanted)
	for _, path := range slices.Sorted(maps.Keys(both)) {
		before, had := there[path]
		after, has := wanted[path]
		if had == has && same(before, after) {
			continue
		}
		differs = true
		if had {
			_, err = fmt.Fprintf(out, "-%s = %s\n", path, before)
		}
		if has && err == nil {
			_, err = fmt.Fprintf(out, "+%s = %s\n", path, after)
		}
		if err != nil {
			return differs, err
		}
	}
	return differs, nil
}

// same compares values: 1m0s is 60s.
func same(a, b string) bool {
	if a == b {
		return true
	}
	one, errOne := time.ParseDuration(a)
	other, errOther := time.ParseDuration(b)
	return errOne == nil && errOther == nil && one == other
}
