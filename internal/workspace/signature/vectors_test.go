package signature_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
)

func TestVectors_AreSigned(t *testing.T) {
	for _, v := range vectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			got := mustSigner(t, v.Signing).Sign(v.ID, v.at(t), []byte(v.Body))
			if diff := cmp.Diff(v.headers(), got); diff != "" {
				t.Errorf("headers (-want +got):\n%s", diff)
			}
		})
	}
}

func TestVectors_AreVerified(t *testing.T) {
	for _, v := range vectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			got, err := verifierAt(t, v.Verifying, v.at(t)).Verify(v.headers(), []byte(v.Body))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(signature.Message{ID: v.ID, Timestamp: v.at(t)}, got, cmpopts.IgnoreUnexported(signature.Message{})); diff != "" {
				t.Errorf("message (-want +got):\n%s", diff)
			}
			if got.Timestamp.Location() != time.UTC {
				t.Errorf("the timestamp is in %v, want UTC", got.Timestamp.Location())
			}
		})
	}
}

// at is the timestamp as a time.
func (v *vector) at(t *testing.T) time.Time {
	t.Helper()
	seconds, err := strconv.ParseInt(v.Timestamp, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return time.Unix(seconds, 0).UTC()
}
