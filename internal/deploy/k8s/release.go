package k8s

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"helm.sh/helm/v4/pkg/release/common"
	release "helm.sh/helm/v4/pkg/release/v1"
	releaseutil "helm.sh/helm/v4/pkg/release/v1/util"
	"helm.sh/helm/v4/pkg/storage/driver"
	authenticationv1 "k8s.io/api/authentication/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
)

// Labels of a revision in Helm's storage. Helm copies them to the next revision.
const (
	// labelRollOut says how far the roll-out of which revision came. Revisions of other programs have none, or that of an earlier one.
	labelRollOut = "integrationctl-roll-out"
	rollOutBegun = "begun"
	rollOutDone  = "done"
	// labelScaled is the number of replicas that Scale set, until an Up names one itself.
	labelScaled = "integrationctl-scaled"
)

// history returns all revisions, the newest last; there may be none.
func (t *Target) history() ([]*release.Release, error) {
	stored, err := t.helm.Releases.History(t.o.Release)
	if err != nil && !errors.Is(err, driver.ErrReleaseNotFound) {
		return nil, fmt.Errorf("reading the history of release %q: %w", t.o.Release, err)
	}
	var all []*release.Release
	for _, one := range stored {
		r, ok := one.(*release.Release)
		if !ok {
			return nil, fmt.Errorf("reading the history of release %q: a newer Helm wrote it: use a newer integrationctl", t.o.Release)
		}
		all = append(all, r)
	}
	releaseutil.SortByRevision(all)
	return all, nil
}

// last returns the newest revision, or nil if there is none.
func (t *Target) last() (*release.Release, error) {
	all, err := t.history()
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return all[len(all)-1], nil
}

// installed returns the newest revision, and fails if the release is not installed.
func (t *Target) installed() (*release.Release, error) {
	r, err := t.last()
	if err != nil {
		return nil, err
	}
	if r == nil || r.Info.Status == common.StatusUninstalled {
		return nil, fmt.Errorf("release %q is not installed in namespace %q: install it with `%s`", t.o.Release, t.o.Namespace, t.command("up"))
	}
	return r, nil
}

// worked says whether all replicas of a revision were ready, as far as is known.
func worked(r *release.Release) bool {
	if r.Info.Status != common.StatusDeployed && r.Info.Status != common.StatusSuperseded {
		return false
	}
	state, ours := rollOutOf(r)
	return !ours || state == rollOutDone
}

func rollOutLabel(state string, revision int) string { return fmt.Sprintf("%s-%d", state, revision) }

// rollOutOf says how far the roll-out of a revision came, if this program has deployed it.
func rollOutOf(r *release.Release) (state string, ours bool) {
	state, revision, _ := strings.Cut(r.Labels[labelRollOut], "-")
	return state, revision == strconv.Itoa(r.Version)
}

// newestWorked returns the newest revision before one that worked, or nil.
func newestWorked(all []*release.Release, before int) *release.Release {
	for _, r := range slices.Backward(all) {
		if r.Version < before && worked(r) {
			return r
		}
	}
	return nil
}

// setRollOut records how far the roll-out of a revision came.
func (t *Target) setRollOut(r *release.Release, state string) error {
	if r.Labels == nil {
		r.Labels = map[string]string{}
	}
	r.Labels[labelRollOut] = rollOutLabel(state, r.Version)
	if err := t.helm.Releases.Update(r); err != nil {
		return fmt.Errorf("recording the roll-out of revision %d: %w", r.Version, err)
	}
	return nil
}

// setFailed records why a revision failed.
func (t *Target) setFailed(r *release.Release, cause error) error {
	r.SetStatus(common.StatusFailed, short(strings.TrimSuffix(r.Info.Description, ".")+". Failed: "+cause.Error()))
	if err := t.helm.Releases.Update(r); err != nil {
		return fmt.Errorf("recording that revision %d failed: %w", r.Version, err)
	}
	return nil
}

// maxDescription is Helm's own limit.
const maxDescription = 256

// short is the first line of a text, no longer than Helm's descriptions.
func short(text string) string {
	text, _, _ = strings.Cut(text, "\n")
	if runes := []rune(text); len(runes) > maxDescription {
		return string(runes[:maxDescription-1]) + "…"
	}
	return text
}

// describe says what was done by whom and why, for the history.
func (t *Target) describe(ctx context.Context, what string) string {
	text := what + " by " + t.who(ctx)
	if t.o.Reason != "" {
		text += ": " + t.o.Reason
	}
	return short(text)
}

// who is the user as the API server knows him, and as this machine does.
func (t *Target) who(ctx context.Context) string {
	review := &authenticationv1.SelfSubjectReview{}
	if err := t.client.Create(ctx, review); err != nil || review.Status.UserInfo.Username == "" {
		return deploy.UserName()
	}
	return fmt.Sprintf("%s (%s)", review.Status.UserInfo.Username, deploy.UserName())
}

// lastObjects are the objects of the newest revision, if there is one.
func (t *Target) lastObjects() ([]*unstructured.Unstructured, error) {
	r, err := t.last()
	if err != nil {
		return nil, err
	}
	return objectsOf(r)
}

// objectsOf parses the manifest of a revision.
func objectsOf(r *release.Release) (objects []*unstructured.Unstructured, err error) {
	if r == nil {
		return nil, nil
	}
	_, manifests, err := releaseutil.SortManifests(releaseutil.SplitManifests(r.Manifest), nil, releaseutil.InstallOrder)
	if err != nil {
		return nil, fmt.Errorf("reading the manifest of revision %d: %w", r.Version, err)
	}
	for _, m := range manifests {
		object := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(m.Content), &object.Object); err != nil {
			return nil, fmt.Errorf("reading the manifest of revision %d: %w", r.Version, err)
		}
		if len(object.Object) > 0 {
			objects = append(objects, object)
		}
	}
	return objects, nil
}

// deploymentOf is the name of the revision's Deployment, or "" if it has none.
func deploymentOf(r *release.Release) (string, error) {
	objects, err := objectsOf(r)
	for _, object := range objects {
		if object.GetKind() == "Deployment" {
			return object.GetName(), nil
		}
	}
	return "", err
}

// imageOf is the image of the revision's Deployment.
func imageOf(r *release.Release) string {
	objects, _ := objectsOf(r)
	for _, object := range objects {
		if object.GetKind() != "Deployment" {
			continue
		}
		containers, _, _ := unstructured.NestedSlice(object.Object, "spec", "template", "spec", "containers")
		if len(containers) > 0 {
			container, _ := containers[0].(map[string]any)
			image, _ := container["image"].(string)
			return image
		}
	}
	return ""
}
