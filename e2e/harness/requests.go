package harness

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
)

// ServiceUser is the chart's ServiceAccount.
const ServiceUser = "system:serviceaccount:platform-services:workspace-flyte-integration"

// deniedByPolicy is the audit annotation of a request that a ValidatingAdmissionPolicy has denied.
const deniedByPolicy = "validation.policy.admission.k8s.io/validation_failure"

// Request is one of the service's requests in the API server's audit log.
type Request struct {
	Verb string `json:"verb"`
	User struct {
		Username string `json:"username"`
	} `json:"user"`
	ImpersonatedUser *struct{} `json:"impersonatedUser"`
	ObjectRef        struct {
		APIGroup, Resource, Namespace, Name, Subresource string
	} `json:"objectRef"`
	ResponseStatus struct {
		Code int `json:"code"`
	} `json:"responseStatus"`
	Annotations map[string]string `json:"annotations"`
}

// requestLog is what has been read of the audit log.
type requestLog struct {
	mu     sync.Mutex
	offset int64
	all    []Request
}

// IsWrite reports whether the request may have changed something.
func (r *Request) IsWrite() bool {
	return slices.Contains([]string{"create", "update", "patch", "delete"}, r.Verb)
}

// Concerns reports whether the request is about a workspace whose id begins with prefix, or about what is in its namespaces.
func (r *Request) Concerns(prefix string) bool {
	ref := r.ObjectRef
	return strings.HasPrefix(ref.Name, prefix) || strings.HasPrefix(ref.Namespace+ref.Name, "flyte-"+prefix)
}

// Forbidden reports whether RBAC refused the request.
func (r *Request) Forbidden() bool { return r.Annotations["authorization.k8s.io/decision"] == "forbid" }

// Requests returns all requests of the service until now, also those that failed.
func (e *Env) Requests(t testing.TB) []Request {
	t.Helper()
	requests, err := e.AllRequests()
	Must(t, err)
	return requests
}

// AllRequests is [Env.Requests] outside a test.
func (e *Env) AllRequests() ([]Request, error) {
	l := &e.requests
	l.mu.Lock()
	defer l.mu.Unlock()
	file, err := os.Open(e.Cluster.AuditLogPath())
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if _, err := file.Seek(l.offset, io.SeekStart); err != nil {
		return nil, err
	}
	lines := bufio.NewReader(file)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return l.all, nil // the last line may be incomplete
		}
		l.offset += int64(len(line))
		if !bytes.Contains(line, []byte(ServiceUser)) {
			continue
		}
		var r Request
		if err := json.Unmarshal(line, &r); err != nil {
			return nil, fmt.Errorf("parsing the audit log: %w", err)
		}
		if r.User.Username == ServiceUser && r.ImpersonatedUser == nil {
			l.all = append(l.all, r)
		}
	}
}

// Writes returns the service's writes that succeeded, without Events.
func (e *Env) Writes(t testing.TB) (writes []Request) {
	t.Helper()
	for _, r := range e.Requests(t) {
		if r.IsWrite() && r.ResponseStatus.Code < 300 && r.ObjectRef.Resource != "events" {
			writes = append(writes, r)
		}
	}
	return writes
}

// Creations counts the successful creations of each object of the workspaces whose id begins with prefix.
func (e *Env) Creations(t testing.TB, prefix string) map[string]int {
	t.Helper()
	created := map[string]int{}
	for _, r := range e.Writes(t) {
		if r.Verb == "create" && r.Concerns(prefix) {
			created[r.ObjectRef.Resource+" "+r.ObjectRef.Namespace+"/"+r.ObjectRef.Name]++
		}
	}
	return created
}

// denied returns the requests that a policy of the chart has denied the service.
func denied(requests []Request) (problems []string) {
	for i := range requests {
		if r := &requests[i]; r.Annotations[deniedByPolicy] != "" {
			problems = append(problems, fmt.Sprintf("a policy denied the service to %s %+v", r.Verb, r.ObjectRef))
		}
	}
	return problems
}
