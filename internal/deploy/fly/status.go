package fly

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
	"platform.company.com/workspace-flyte-integration/internal/deploy/progress"
)

const healthInterval = 2 * time.Second

// machine is a Fly Machine as flyctl prints it.
type machine struct {
	ID        string    `json:"id"`
	State     string    `json:"state"`
	Region    string    `json:"region"`
	PrivateIP string    `json:"private_ip"`
	CreatedAt time.Time `json:"created_at"`
	ImageRef  struct {
		Registry   string `json:"registry"`
		Repository string `json:"repository"`
		Tag        string `json:"tag"`
		Digest     string `json:"digest"`
	} `json:"image_ref"`
	Checks []struct {
		Name   string `json:"name"`
		Status string `json:"status"`
		Output string `json:"output"`
	} `json:"checks"`
}

func (t *Target) machines(ctx context.Context) ([]machine, error) {
	all := []machine{}
	if err := t.flyctl.json(ctx, &all, t.app("machine", "list", "--json")...); err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(m machine) bool { return m.State == "destroyed" })
	slices.SortFunc(all, func(a, b machine) int { return cmp.Compare(a.ID, b.ID) })
	return all, nil
}

// passing counts the checks that pass.
func (m *machine) passing() int {
	n := 0
	for _, c := range m.Checks {
		if c.Status == "passing" {
			n++
		}
	}
	return n
}

func (m *machine) healthy() bool {
	return m.State == "started" && len(m.Checks) > 0 && m.passing() == len(m.Checks)
}

// reason says why a Machine is not healthy.
func (m *machine) reason() string {
	if m.State != "started" {
		return fmt.Sprintf("Machine %s in %s is %s", m.ID, m.Region, m.State)
	}
	for _, c := range m.Checks {
		if c.Status != "passing" {
			return strings.TrimSpace(fmt.Sprintf("Machine %s in %s: check %s is %s: %s", m.ID, m.Region, c.Name, c.Status, c.Output))
		}
	}
	return fmt.Sprintf("Machine %s in %s has no checks yet", m.ID, m.Region)
}

// awaitHealthy waits until all Machines pass all checks.
func (t *Target) awaitHealthy(ctx context.Context, steps *progress.Steps) error {
	if !t.o.Wait {
		return nil
	}
	return steps.Run(ctx, "roll_out", t.awaitMachines)
}

func (t *Target) awaitMachines(ctx context.Context, step *progress.Step) error {
	ready, why := "", "flyctl did not list the Machines"
	err := wait.PollUntilContextTimeout(ctx, healthInterval, t.o.Timeout, true, func(ctx context.Context) (bool, error) {
		machines, err := t.machines(ctx)
		if err != nil {
			return false, nil //nolint:nilerr // Fly may be away for a while
		}
		reasons := reasonsOf(machines)
		healthy := len(machines) - len(reasons)
		ready, why = fmt.Sprintf("%d/%d ready", healthy, len(machines)), strings.Join(reasons, "; ")
		step.Progress(healthy, len(machines), "Updating: "+ready)
		return len(machines) > 0 && len(reasons) == 0, nil
	})
	step.Summarize("%s", ready)
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("%s, not healthy after %s: %s", cmp.Or(ready, "no Machine"), t.o.Timeout, why)
	}
	return err
}

// reasonsOf are why Machines are not healthy, one for each of them.
func reasonsOf(machines []machine) (reasons []string) {
	for i := range machines {
		if !machines[i].healthy() {
			reasons = append(reasons, machines[i].reason())
		}
	}
	return reasons
}

// Status implements [deploy.Target].
func (t *Target) Status(ctx context.Context) (*deploy.Status, error) {
	s := &deploy.Status{
		Target: "fly", Runtime: "Fly Machines", Location: t.o.App, Release: t.o.App, State: "not installed", Instances: []deploy.Instance{},
	}
	app, err := t.find(ctx)
	if err != nil || app == nil {
		return s, err
	}
	s.Location = app.Organization.Slug + "/" + t.o.App
	releases, err := t.releases(ctx)
	if err != nil || len(releases) == 0 {
		return s, err
	}
	last := &releases[0]
	s.Revision, s.State, s.Image, s.Version = last.Version, last.Status, last.ImageRef, versionOf(last.ImageRef)
	s.LastRollOut, s.Description = &last.CreatedAt, last.describe()
	machines, err := t.machines(ctx)
	if err != nil {
		return s, err
	}
	s.Replicas.Desired = len(machines)
	for i := range machines {
		add(s, &machines[i])
	}
	return s, nil
}

func add(s *deploy.Status, m *machine) {
	one := deploy.Instance{
		Name: m.ID, State: states[m.State], Ready: fmt.Sprintf("%d/%d", m.passing(), len(m.Checks)), Restarts: "-",
		Node: m.Region, Address: m.PrivateIP, Image: m.image(),
	}
	if !m.CreatedAt.IsZero() {
		one.Started = &m.CreatedAt
	}
	one.State = cmp.Or(one.State, m.State)
	s.Instances = append(s.Instances, one)
	if m.healthy() {
		s.Replicas.Ready++
	}
	if strings.HasSuffix(s.Image, m.ImageRef.Digest) || strings.HasSuffix(s.Image, ":"+m.ImageRef.Tag) {
		s.Replicas.Updated++
	}
	if digest := m.ImageRef.Digest; digest != "" && !slices.Contains(s.Digests, digest) {
		s.Digests = append(s.Digests, digest)
	}
}

// states are Fly's, by the words that kubectl has for them.
var states = map[string]string{"started": "Running", "starting": "Pending", "created": "Pending", "stopped": "Stopped"}

func (m *machine) image() string {
	text := m.ImageRef.Repository
	if m.ImageRef.Registry != "" {
		text = m.ImageRef.Registry + "/" + text
	}
	if m.ImageRef.Tag != "" {
		text += ":" + m.ImageRef.Tag
	}
	return text
}

// versionOf is the tag of an image: Fly knows no version of the service.
func versionOf(image string) string {
	image, _, _ = strings.Cut(image, "@")
	if i := strings.LastIndex(image, ":"); i > strings.LastIndex(image, "/") {
		return image[i+1:]
	}
	return "unknown"
}
