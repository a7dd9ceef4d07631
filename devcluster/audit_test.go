package devcluster

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

type auditEntry struct {
	Level, Stage, Verb string
	User               struct{ Username string }
	ObjectRef          struct{ Name string }
}

func TestAuditLog_HasOneEntryPerRequest(t *testing.T) {
	t.Parallel()
	c := sharedCluster(t)
	namespaces, name := clientFor(t, c.Config()).Namespaces(), createNamespace(t, c)
	for range 2 {
		if _, err := namespaces.Get(t.Context(), name, metav1.GetOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, func(context.Context) error { // an entry may be written after the response
		reads := 0
		for _, entry := range readAuditLog(t, c.AuditLogPath()) {
			if entry.Level != "Metadata" || entry.Stage == "RequestReceived" {
				t.Fatalf("unexpected entry %+v", entry)
			}
			if entry.User.Username == adminUser && entry.Verb == "get" && entry.ObjectRef.Name == name {
				reads++
			}
		}
		if reads != 2 {
			return fmt.Errorf("the audit log has %d entries for 2 reads", reads)
		}
		return nil
	})
}

func readAuditLog(t *testing.T, path string) (entries []auditEntry) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(text) {
		var entry auditEntry
		if !bytes.HasSuffix(line, []byte("\n")) {
			continue // incomplete
		}
		if err := json.Unmarshal(line, &entry); err != nil {
			t.Fatal(err)
		}
		entries = append(entries, entry)
	}
	return entries
}
