package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// audited is one request in the API server's audit log.
type audited struct {
	Verb string `json:"verb"`
	User struct {
		Username string `json:"username"`
	} `json:"user"`
	ObjectRef struct {
		Resource, Namespace, Name, Subresource string
	} `json:"objectRef"`
	ResponseStatus struct {
		Code int `json:"code"`
	} `json:"responseStatus"`
	StageTimestamp time.Time `json:"stageTimestamp"`
}

// serviceUser is the chart's ServiceAccount.
const serviceUser = "system:serviceaccount:platform-services:workspace-flyte-integration"

// auditLog is how far the audit log was read, and what the service asked for. Tests run one after the other.
var auditLog struct {
	offset   int64
	requests []audited
}

// isWrite tells whether the request may have changed something.
func (a *audited) isWrite() bool {
	return slices.Contains([]string{"create", "update", "patch", "delete"}, a.Verb)
}

// concerns tells whether the request is about a workspace whose id begins with prefix, or about what is in its namespaces.
func (a *audited) concerns(prefix string) bool {
	ref := a.ObjectRef
	return strings.HasPrefix(ref.Name, prefix) || strings.HasPrefix(ref.Namespace+ref.Name, "flyte-"+prefix)
}

// auditedWrites are the service's own writes that succeeded, without Events.
func auditedWrites(t *testing.T) (writes []audited) {
	t.Helper()
	for _, entry := range auditedRequests(t) {
		if entry.isWrite() && entry.ResponseStatus.Code < 300 && entry.ObjectRef.Resource != "events" {
			writes = append(writes, entry)
		}
	}
	return writes
}

// auditedRequests are all requests of the service until now, whatever became of them.
func auditedRequests(t *testing.T) []audited {
	t.Helper()
	file, err := os.Open(world.cluster.AuditLogPath())
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.Seek(auditLog.offset, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(file)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return auditLog.requests // the last line may be half written
		}
		auditLog.offset += int64(len(line))
		var entry audited
		if !bytes.Contains(line, []byte(serviceUser)) {
			continue
		}
		if err := json.Unmarshal(line, &entry); err != nil {
			t.Fatal(err)
		}
		if entry.User.Username == serviceUser {
			auditLog.requests = append(auditLog.requests, entry)
		}
	}
}

// auditedCreates counts the successful creations of each object of the workspaces whose id begins with prefix.
func auditedCreates(t *testing.T, prefix string) map[string]int {
	t.Helper()
	made := map[string]int{}
	for _, entry := range auditedWrites(t) {
		ref := entry.ObjectRef
		if entry.Verb == "create" && entry.concerns(prefix) {
			made[ref.Resource+" "+ref.Namespace+"/"+ref.Name]++
		}
	}
	return made
}

// auditedSpecWrites counts the writes of each Workspace, those of its status apart.
func auditedSpecWrites(t *testing.T) map[string]int {
	t.Helper()
	written := map[string]int{}
	for _, entry := range auditedWrites(t) {
		if entry.ObjectRef.Resource == "workspaces" && entry.ObjectRef.Subresource == "" {
			written[entry.ObjectRef.Name]++
		}
	}
	return written
}
