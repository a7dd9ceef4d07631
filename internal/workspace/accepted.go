package workspace

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// Register is one of the two registers of a Workspace.
type Register string

// The registers.
const (
	RegisterContent Register = "content"
	RegisterState   Register = "state"
)

// VersionConflictError is the cause of the KindConflict error for an event that says something else at the version that a
// register has: other content, or another state. The sender has used a version twice.
type VersionConflictError struct {
	Register Register
}

// Error implements error.
func (c *VersionConflictError) Error() string {
	return string(c.Register) + " register"
}

// accepted is what the accepted events said at the version of each register. The spec can't tell: it may have been edited
// by hand since, which needs no version.
type accepted struct {
	Content statement `json:"content,omitzero"`
	State   statement `json:"state,omitzero"`
}

// statement is what one event said of one register: the hash of the content, or the state.
type statement struct {
	Version int64  `json:"version"`
	Value   string `json:"value"`
}

// acceptedOf reads the record. One that somebody broke by hand counts as empty.
func acceptedOf(w *v1alpha1.Workspace) accepted {
	var a accepted
	if err := json.Unmarshal([]byte(w.Annotations[v1alpha1.AnnotationAccepted]), &a); err != nil {
		return accepted{}
	}
	return a
}

// store writes the record into w.
func (a accepted) store(w *v1alpha1.Workspace) error {
	text, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("writing the annotation %s: %w", v1alpha1.AnnotationAccepted, err)
	}
	if w.Annotations == nil {
		w.Annotations = map[string]string{}
	}
	w.Annotations[v1alpha1.AnnotationAccepted] = string(text)
	return nil
}

// Contradiction is a KindConflict error with a [VersionConflictError] if e says something else than an accepted event did at
// the version that a register of w has, and nil otherwise. What was said at other versions is not known, nor what was said
// at a version that an edit by hand or an earlier release of the service set.
func Contradiction(w *v1alpha1.Workspace, e Event) error {
	known, version := acceptedOf(w), e.Data.Version
	if e.Type.HasContent() && version == w.Spec.Version && known.Content.contradicts(version, contentHash(e.Data)) {
		return contradiction(e, RegisterContent, "with other content")
	}
	state := string(e.Type.state())
	if e.Type.setsState() && version == w.Spec.StateVersion && known.State.contradicts(version, state) {
		return contradiction(e, RegisterState, "with the state "+known.State.Value)
	}
	return nil
}

func contradiction(e Event, r Register, used string) error {
	detail := fmt.Sprintf("version %d of workspace %s was used before %s: send this event with a higher version",
		e.Data.Version, e.Data.WorkspaceID, used)
	return &Error{Kind: KindConflict, Detail: detail, Err: &VersionConflictError{Register: r}}
}

// contradicts reports whether both statements are about the same version and differ. Content hashes of different formats
// can't be compared. Version 0 is no version.
func (s statement) contradicts(version int64, value string) bool {
	return version != 0 && s.Version == version && s.Value != value && hashFormat(s.Value) == hashFormat(value)
}

// contentFormat names the fields that a content hash covers. A release that reads more fields of an event needs another
// format: the hashes that were stored before don't cover them.
const contentFormat = "1"

// hashFormat is the format of a content hash, and "" of a state.
func hashFormat(value string) string {
	format, _, isHash := strings.Cut(value, ":")
	if !isHash {
		return ""
	}
	return format
}

// canonicalContent is what an event wants, in a form in which equal content is equal text.
type canonicalContent struct {
	Name        string            `json:"name"`
	Description string            `json:"description"`
	Owner       string            `json:"owner"`
	Tier        string            `json:"tier"`
	Quota       map[string]string `json:"quota"`
	Members     []v1alpha1.Member `json:"members"`
	Labels      map[string]string `json:"labels"`
}

// contentHash identifies the content that d wants. Members in another order, a repeated member, an absent tier beside the
// default tier, and amounts that are written otherwise (1Ti, 1024Gi) make no difference.
func contentHash(d Data) string {
	members := slices.SortedFunc(slices.Values(d.Members), compareMembers)
	c := canonicalContent{
		Name: d.Name, Description: d.Description, Owner: d.Owner, Tier: cmp.Or(d.Tier, v1alpha1.DefaultTier),
		Quota: canonicalQuota(d.Quota), Members: slices.Compact(members),
	}
	if len(d.Labels) > 0 {
		c.Labels = d.Labels
	}
	text, err := json.Marshal(c) // with the keys of maps in order
	if err != nil {
		panic("encoding texts: " + err.Error())
	}
	sum := sha256.Sum256(text)
	return contentFormat + ":" + base64.RawURLEncoding.EncodeToString(sum[:])
}

func compareMembers(a, b v1alpha1.Member) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Role, b.Role))
}

// canonicalQuota writes each amount of a quota in decimal.
func canonicalQuota(q v1alpha1.Quota) map[string]string {
	amounts := map[string]string{}
	for key, text := range texts(v1alpha1.TierAmounts{Quota: q}) {
		if amount, ok := parseQuantity(text); ok {
			amounts[key] = resource.NewDecimalQuantity(*amount.AsDec(), resource.DecimalSI).String()
		}
	}
	return amounts
}
