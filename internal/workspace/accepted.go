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
// register has. The sender has used a version twice.
type VersionConflictError struct {
	Register Register
}

// Error implements error.
func (c *VersionConflictError) Error() string {
	return string(c.Register) + " register"
}

// accepted records what the accepted events set at the version of each register. The spec can't show that: it may have been
// edited by hand since, which needs no version.
type accepted struct {
	Content acceptedValue `json:"content,omitzero"`
	State   acceptedValue `json:"state,omitzero"`
}

// acceptedValue is what one event set one register to: the hash of the content, or the state.
type acceptedValue struct {
	Version int64  `json:"version"`
	Value   string `json:"value"`
}

// VersionConflict returns a KindConflict error with a [VersionConflictError] if e differs from the accepted event at the version
// that a register of w has, and nil otherwise. It can't compare other versions, nor a version that was set by hand or by a
// release that kept no record.
func VersionConflict(w *v1alpha1.Workspace, e Event) error {
	known, version := readAnnotation[accepted](w, v1alpha1.AnnotationAccepted), e.Data.Version
	if e.Type.HasContent() && version == w.Spec.Version && known.Content.conflictsWith(version, contentHash(e.Data)) {
		return versionConflict(e, RegisterContent, "with other content")
	}
	state := string(e.Type.state())
	if e.Type.setsState() && version == w.Spec.StateVersion && known.State.conflictsWith(version, state) {
		return versionConflict(e, RegisterState, "with the state "+known.State.Value)
	}
	return nil
}

func versionConflict(e Event, r Register, used string) error {
	detail := fmt.Sprintf("version %d of workspace %s was used before %s: send this event with a higher version",
		e.Data.Version, e.Data.WorkspaceID, used)
	return &Error{Kind: KindConflict, Detail: detail, Err: &VersionConflictError{Register: r}}
}

// conflictsWith reports whether an event set another value at the same version. Content hashes of different formats can't be
// compared. Version 0 is no version.
func (a acceptedValue) conflictsWith(version int64, value string) bool {
	return version != 0 && a.Version == version && a.Value != value && hashFormat(a.Value) == hashFormat(value)
}

// contentFormat identifies the fields that a content hash covers. A release that reads more fields of an event needs another
// format, since the stored hashes don't cover them.
const contentFormat = "2"

// hashFormat returns the format of a content hash, and "" for a state.
func hashFormat(value string) string {
	format, _, isHash := strings.Cut(value, ":")
	if !isHash {
		return ""
	}
	return format
}

// canonicalContent is the content of an event in a form in which equal content is equal text.
type canonicalContent struct {
	Name        string            `json:"name"`
	Description string            `json:"description"`
	Owner       string            `json:"owner"`
	Tier        string            `json:"tier"`
	Quota       map[string]string `json:"quota"`
	Members     []v1alpha1.Member `json:"members"`
	Labels      map[string]string `json:"labels"`
}

// contentHash identifies the content of d. It ignores the order and repetition of members, whether the default tier is named,
// and how an amount is written (1Ti, 1024Gi).
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
	for key, text := range amountsByKey(v1alpha1.TierAmounts{Quota: q}) {
		if amount, ok := parseQuantity(text); ok {
			amounts[key] = resource.NewDecimalQuantity(*amount.AsDec(), resource.DecimalSI).String()
		}
	}
	return amounts
}
