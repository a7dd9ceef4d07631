package docker

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"

	"github.com/rogpeppe/go-internal/diff"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
)

// Diff implements [deploy.Differ]: it compares the compose file of the container that serves with the one that Up would use. It changes
// nothing on the host, and pulls no image.
func (t *Target) Diff(ctx context.Context, out io.Writer) (differs bool, err error) {
	err = t.connected(ctx, func(ctx context.Context) error {
		current, err := t.servingRevision(ctx)
		if err != nil {
			return err
		}
		text, err := t.newComposeFile(ctx, current)
		if err != nil {
			return err
		}
		changes := diff.Diff(fmt.Sprintf("revision %d", current.Number), []byte(current.Compose), "new", text)
		differs = len(changes) > 0
		_, err = out.Write(changes)
		return err
	})
	return differs, err
}

// servingRevision is the recorded revision of the container that serves.
func (t *Target) servingRevision(ctx context.Context) (*revision, error) {
	c, err := t.installed(ctx)
	if err != nil {
		return nil, err
	}
	records, err := t.readVolume(ctx, "deploy")
	if err != nil {
		return nil, err
	}
	number, _ := strconv.Atoi(c.Config.Labels[labelRevision])
	current := parseJournal(records).find(number)
	if current == nil {
		return nil, deploy.Failf(deploy.Unsupported, "the compose file of revision %d is no longer recorded: `%s` records it again", number,
			t.command("up"))
	}
	return current, nil
}

// newComposeFile is the compose file that Up would use.
func (t *Target) newComposeFile(ctx context.Context, current *revision) ([]byte, error) {
	secrets, err := t.readVolume(ctx, "secrets")
	if err != nil {
		return nil, err
	}
	image, err := t.imageToDeploy(ctx, current)
	if err != nil {
		return nil, err
	}
	return t.composeFile(ctx, image, slices.Sorted(maps.Keys(secrets)))
}

// imageToDeploy is how the compose file would name the image, as far as that is known without pulling it. Without --image it is that of
// the revision.
func (t *Target) imageToDeploy(ctx context.Context, current *revision) (string, error) {
	name := t.o.Image
	if name == "" && t.o.Archive == "" || name == current.Image && t.o.Archive == "" && !t.o.Pull {
		name = current.ImageID
	}
	found, err := t.find(ctx, name)
	switch {
	case err != nil:
		return "", err
	case found == nil:
		return name, nil
	case found.id == current.ImageID && current.Digest != "":
		return current.Digest, nil
	case found.digest != "":
		return found.digest, nil
	}
	return found.id, nil
}
