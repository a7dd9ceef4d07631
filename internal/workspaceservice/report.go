package workspaceservice

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// The statuses of a report.
const (
	StatusReady     = "ready"
	StatusPending   = "pending"
	StatusFailed    = "failed"
	StatusSuspended = "suspended"
	StatusDeleted   = "deleted"
)

// Report is the body of a report: the outcome of one workspace.
type Report struct {
	WorkspaceID string `json:"workspace_id"`
	// Version is the highest version that has taken effect, 0 for a workspace that was made by hand.
	Version    int64    `json:"version"`
	Status     string   `json:"status"`
	Reason     string   `json:"reason"`
	Message    string   `json:"message"`
	ProjectID  string   `json:"project_id"`
	Namespaces []string `json:"namespaces"`
	ConsoleURL string   `json:"console_url"`
}

// newReport returns the report of a workspace. There is none until the controller has reconciled the newest generation.
func newReport(w *v1alpha1.Workspace) (r Report, ok bool) {
	ready := w.ReadyCondition()
	if ready.Type == "" || ready.ObservedGeneration != w.Generation {
		return Report{}, false
	}
	return Report{
		WorkspaceID: w.Name,
		Version:     max(w.Spec.Version, w.Spec.StateVersion),
		Status:      statusOf(ready),
		Reason:      ready.Reason,
		Message:     ready.Message,
		ProjectID:   w.Status.ProjectID,
		Namespaces:  append([]string{}, w.Status.Namespaces...), // never null
		ConsoleURL:  w.Status.ConsoleURL,
	}, true
}

func statusOf(ready metav1.Condition) string {
	switch {
	case ready.Status != metav1.ConditionTrue:
		return statusOfFailing(ready.Reason)
	case ready.Reason == v1alpha1.ReasonSuspended:
		return StatusSuspended
	case ready.Reason == v1alpha1.ReasonDeleted, ready.Reason == v1alpha1.ReasonPurged:
		return StatusDeleted
	}
	return StatusReady
}

// statusOfFailing is the status of a workspace that is not Ready. The workspace service itself has yet to send the content.
func statusOfFailing(reason string) string {
	if v1alpha1.RequiresAction(reason) && reason != v1alpha1.ReasonAwaitingContent {
		return StatusFailed
	}
	return StatusPending
}

// message is a report before it is signed.
type message struct {
	workspace *v1alpha1.Workspace
	report    Report
	body      []byte
	// hash is that of the body.
	hash string
	// id sorts after the id of every older report of the workspace.
	id string
}

// revisionDigits is the length of the largest resourceVersion.
const revisionDigits = 20

// newMessage makes the report of a workspace, and reports whether to send it: if status.reported has another hash. Every replica
// makes the same message of the same resourceVersion.
//
// The resourceVersion leads the id, since those of one resource are known to grow since Kubernetes 1.35 (KEP-5504).
func newMessage(w *v1alpha1.Workspace) (m message, due bool) {
	report, ok := newReport(w)
	if !ok {
		return message{}, false
	}
	body, err := json.Marshal(report)
	if err != nil {
		panic("marshalling strings: " + err.Error())
	}
	sum := sha256.Sum256(body)
	hash := base64.RawURLEncoding.EncodeToString(sum[:16])
	revision := strings.Repeat("0", max(0, revisionDigits-len(w.ResourceVersion))) + w.ResourceVersion
	m = message{workspace: w, report: report, body: body, hash: hash, id: fmt.Sprintf("rpt_%s_%s", revision, hash)}
	return m, w.Status.Reported == nil || w.Status.Reported.Digest != hash
}
