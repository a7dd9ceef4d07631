package docker

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
)

// Plan implements [deploy.Planner]: it writes the requests to the engine that change something, in their order, and the compose file that
// they use. What they find on the host may spare some of them.
func (t *Target) Plan(ctx context.Context, out io.Writer, what deploy.Action, argument string) error {
	lines, err := t.requests(ctx, what, argument)
	if err != nil {
		return err
	}
	lines = slices.Concat([]string{t.requestCreate(t.lockName())}, lines, []string{"DELETE /containers/" + t.lockName() + "?force=1"})
	if what == deploy.ActionPurge {
		lines = append(lines, "DELETE /volumes/"+t.volume(), "DELETE /images/"+t.filesImage())
	}
	if _, err := fmt.Fprintf(out, "# requests to the engine at %s of %s\n%s\n", t.o.Socket, t.place(), strings.Join(lines, "\n")); err != nil {
		return err
	}
	if what == deploy.ActionSetup {
		return t.writeSecretsPlan(out)
	}
	if what != deploy.ActionUp {
		return nil
	}
	if _, err := fmt.Fprintln(out, "\n# compose.yaml"); err != nil {
		return err
	}
	return t.Render(ctx, out)
}

func (t *Target) requestCreate(name string) string {
	return "POST /containers/create?name=" + name
}

// requests are those of an action, without those that read.
func (t *Target) requests(ctx context.Context, what deploy.Action, argument string) ([]string, error) {
	verb := "/containers/" + t.container() + "/" + string(what)
	switch what {
	case deploy.ActionSetup:
		return []string{t.requestNetwork(), t.requestFiles()}, nil
	case deploy.ActionUp:
		return t.upRequests(t.requestImage()), nil
	case deploy.ActionRestart, deploy.ActionStop, deploy.ActionStart:
		return []string{"POST " + verb}, nil
	case deploy.ActionRollback:
		return t.rollbackRequests(ctx, argument)
	case deploy.ActionDown, deploy.ActionPurge:
		lines := []string{
			"POST /containers/" + t.container() + "/stop", "DELETE /containers/" + t.container() + "?force=1", "DELETE /networks/" + t.network(),
		}
		if what == deploy.ActionPurge {
			lines = append(lines, "DELETE /images/"+t.o.Project+":r*")
		}
		return lines, nil
	default:
		return nil, deploy.Failf(deploy.Unsupported, "the target docker does not support --dry-run of %s", what)
	}
}

func (t *Target) requestNetwork() string { return "POST /networks/create # " + t.network() }

func (t *Target) requestFiles() string {
	return "PUT /containers/" + t.lockName() + "/archive?path=" + url.QueryEscape(filesDir)
}

func (t *Target) requestImage() string {
	if t.o.Archive != "" {
		return "POST /images/load # " + t.o.Archive
	}
	return "POST /images/create?fromImage=" + t.o.Image
}

func (t *Target) upRequests(image string) []string {
	candidate, service, previous := t.candidate(), t.container(), t.previous()
	lines := []string{t.requestNetwork(), image, t.requestFiles(), "POST /images/…/tag # " + t.o.Project + ":r…"}
	if t.o.Wait {
		lines = append(lines, t.requestCreate(candidate), "POST /containers/"+candidate+"/start", "DELETE /containers/"+candidate+"?force=1")
	}
	return append(lines,
		"POST /containers/"+service+"/rename?name="+previous, t.requestCreate(service), "POST /containers/"+previous+"/stop",
		"POST /containers/"+service+"/start", "DELETE /containers/"+previous+"?force=1", t.requestFiles())
}

// rollbackRequests names the revision, and fails if there is none.
func (t *Target) rollbackRequests(ctx context.Context, argument string) (lines []string, err error) {
	number, err := strconv.Atoi(argument)
	if err != nil {
		return nil, err
	}
	err = t.connected(ctx, func(ctx context.Context) error {
		files, err := t.readVolume(ctx, "deploy")
		if err != nil {
			return err
		}
		to, err := t.rollbackTarget(ctx, parseJournal(files), number)
		if err == nil {
			lines = t.upRequests(fmt.Sprintf("# revision %d: %s, %s", to.Number, to.Image, to.ImageID))
		}
		return err
	})
	return lines, err
}

// writeSecretsPlan names the files that are given, without their content.
func (t *Target) writeSecretsPlan(out io.Writer) error {
	for _, name := range slices.Sorted(maps.Keys(t.o.Secrets)) {
		if _, err := fmt.Fprintf(out, "# volume %s: secrets/%s, mode 0400, user %d\n", t.volume(), name, ownerID); err != nil {
			return err
		}
	}
	return nil
}
