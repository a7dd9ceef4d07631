package k8s

import (
	"testing"
	"testing/synctest"
	"time"
)

// If nobody ever knows whether the kinds are served, a process waits once, and not in each Reconcile.
func TestOptional_AwaitsTheFirstAnswerOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o, begin := &Optional{first: make(chan struct{})}, time.Now()
		o.AwaitFirst(t.Context())
		o.AwaitFirst(t.Context())
		if waited := time.Since(begin); waited != firstAnswerTimeout {
			t.Errorf("it waited %s, want %s", waited, firstAnswerTimeout)
		}
	})
}
