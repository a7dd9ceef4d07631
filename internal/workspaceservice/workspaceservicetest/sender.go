package workspaceservicetest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
)

// schedule are the pauses before each attempt that Standard Webhooks recommends (spec, "Deliverability and reliability"),
// about three days in all.
var schedule = []time.Duration{
	0, 5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour,
	5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
}

const (
	sendersAtOnce = 16
	sendTimeout   = 20 * time.Second
	maxAnswer     = 64 << 10
	maxRetryAfter = time.Hour
)

// sender sends events as webhooks.
type sender struct {
	url    string
	signer *signature.Signer
	// faster divides the pauses of the schedule, drop is the share of events that are lost on purpose.
	faster float64
	drop   float64
	slots  chan struct{}
	client *http.Client
	logf   func(format string, args ...any)
}

func newSender(o Options) *sender {
	return &sender{
		url: o.WebhookURL, signer: o.WebhookSigner, faster: max(o.Faster, 1), drop: o.Drop, slots: make(chan struct{}, sendersAtOnce),
		logf: o.logf,
		client: &http.Client{Timeout: sendTimeout, CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		}},
	}
}

// deliver sends an event until a 2xx, or until the schedule ends. done is false if ctx ends first.
func (s *sender) deliver(ctx context.Context, e event) (done bool) {
	if rand.Float64() < s.drop { //nolint:gosec // no secret
		s.logf("dropped  %s %s, on purpose", e.WorkspaceID, e.ID)
		return true
	}
	var after time.Duration
	for _, pause := range schedule {
		select {
		case <-time.After(max(s.jitter(pause), after)):
		case <-ctx.Done():
			return false
		}
		var accepted bool
		if accepted, after = s.attempt(ctx, e); accepted {
			return true
		}
	}
	s.logf("gave up  %s %s", e.WorkspaceID, e.ID)
	return true
}

// jitter adds up to a tenth.
func (s *sender) jitter(pause time.Duration) time.Duration {
	return time.Duration(float64(pause) * (1 + rand.Float64()/10) / s.faster) //nolint:gosec // no secret
}

func (s *sender) attempt(ctx context.Context, e event) (accepted bool, after time.Duration) {
	s.slots <- struct{}{}
	defer func() { <-s.slots }()
	status, after, err := s.post(ctx, e)
	switch {
	case err != nil:
		s.logf("sent     %s %s: no answer, it is sent again", e.WorkspaceID, e.ID)
		return false, 0
	case status >= 200 && status < 300:
		s.logf("sent     %s %s: %d", e.WorkspaceID, e.ID, status)
		return true, 0
	}
	s.logf("sent     %s %s: %d, it is sent again", e.WorkspaceID, e.ID, status)
	return false, after
}

func (s *sender) post(ctx context.Context, e event) (status int, after time.Duration, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/webhooks/workspace", bytes.NewReader(e.Body))
	if err != nil {
		return 0, 0, fmt.Errorf("making the request: %w", err)
	}
	request.Header = s.signer.Sign(e.ID, time.Now(), e.Body)
	request.Header.Set("Content-Type", "application/json")
	answer, err := s.client.Do(request)
	if err != nil {
		return 0, 0, fmt.Errorf("sending: %w", err)
	}
	defer answer.Body.Close()
	_, _ = io.CopyN(io.Discard, answer.Body, maxAnswer) // the status is the answer
	seconds, _ := strconv.ParseUint(answer.Header.Get("Retry-After"), 10, 16)
	after = min(time.Duration(seconds)*time.Second, maxRetryAfter)
	return answer.StatusCode, time.Duration(float64(after) / s.faster), nil
}
