package lifecycle

import (
	"errors"
	"fmt"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/util/flowcontrol"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/flyte"
	"platform.company.com/workspace-flyte-integration/internal/k8s"
)

func TestFailed_Reasons(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err     error
		reason  string
		retried bool // with backoff, otherwise after a fixed time
	}{
		"foreign":     {fmt.Errorf("applying: %w", k8s.ErrForeign), v1alpha1.ReasonConflict, false},
		"terminating": {fmt.Errorf("applying: %w", k8s.ErrTerminating), v1alpha1.ReasonNamespaceTerminating, false},
		"invalid":     {apierrors.NewInvalid(schema.GroupKind{}, "x", nil), v1alpha1.ReasonRejected, true},
		"bad request": {apierrors.NewBadRequest("no"), v1alpha1.ReasonRejected, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := failed(v1alpha1.ConditionAccessGranted, c.err)
			if o.done || o.reason != c.reason || o.condition != v1alpha1.ConditionAccessGranted || o.message == "" {
				t.Errorf("the outcome is %+v", o)
			}
			if retried := o.err != nil; retried != c.retried || retried == (o.after > 0) {
				t.Errorf("returned an error: %t, requeued after %s", retried, o.after)
			}
		})
	}
}

func TestProjectFailed_Reasons(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err    error
		reason string
		soon   bool
	}{
		{flyte.ErrConflict, v1alpha1.ReasonConflict, false},
		{flyte.ErrInvalid, v1alpha1.ReasonFlyteRejected, true},
		{flyte.ErrUnknownDomain, v1alpha1.ReasonFlyteDomainUnknown, true},
		{flyte.ErrNotFlyte, v1alpha1.ReasonFlyteNotFound, true},
		{flyte.ErrUnauthorized, v1alpha1.ReasonFlyteUnauthorized, true},
		{flyte.ErrUnavailable, v1alpha1.ReasonFlyteUnavailable, true},
		{errTooManyCalls, v1alpha1.ReasonFlyteUnavailable, true},
	} {
		controller := &Controller{rejections: flowcontrol.NewBackOff(firstRejectionRetry, lastRejectionRetry)}
		o := controller.projectFailed("id", fmt.Errorf("looking up: %w", c.err))
		if o.done || o.err != nil || o.reason != c.reason || (o.after <= 2*flyteRetry) != c.soon {
			t.Errorf("%v: the outcome is %+v", c.err, o)
		}
	}
}

func TestNext_EarliestTimeOrFirstError(t *testing.T) {
	t.Parallel()
	first, second := errors.New("first"), errors.New("second")
	at := func(after time.Duration) outcome { return outcome{after: after} }
	fails := func(err error) outcome { return outcome{err: err} }
	for _, c := range []struct {
		name     string
		outcomes []outcome
		after    time.Duration
		err      error
	}{
		{"nothing", nil, 0, nil},
		{"done", []outcome{{done: true}}, 0, nil},
		{"the earliest", []outcome{at(3), at(0), at(2), at(4)}, 2, nil},
		{"an error before any time", []outcome{at(3), fails(first), fails(second)}, 0, first},
	} {
		result, err := next(c.outcomes)
		if result.RequeueAfter != c.after || !errors.Is(err, c.err) {
			t.Errorf("%s: %v and %v", c.name, result, err)
		}
	}
}

func TestOr_PrefersNotDone(t *testing.T) {
	t.Parallel()
	undone, fine, better := outcome{reason: "undone"}, outcome{done: true, reason: "fine"}, outcome{done: true, reason: "better"}
	for _, c := range []struct{ a, b, want outcome }{
		{undone, fine, undone}, {fine, undone, undone}, {fine, better, better},
	} {
		if got := c.a.or(c.b); got != c.want {
			t.Errorf("%v or %v is %v", c.a, c.b, got)
		}
	}
}
