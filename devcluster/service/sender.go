package service

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"platform.company.com/workspace-flyte-integration/internal/workspace"
	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
)

// retryPause is how long Deliver waits before it sends again.
const retryPause = 50 * time.Millisecond

// Sender keeps its connections, also when many are used at once.
var Sender = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1024}}

// Message is one webhook, which may be sent again and again.
type Message struct {
	ID   string
	Body []byte
}

// NewMessage is a message with an id of its own.
func NewMessage(kind workspace.EventType, data workspace.Data) (Message, error) {
	body, err := json.Marshal(workspace.Event{Type: kind, Timestamp: time.Now(), Data: data})
	if err != nil {
		return Message{}, fmt.Errorf("writing the event as JSON: %w", err)
	}
	return Message{ID: "msg_" + rand.Text(), Body: body}, nil
}

// Reply is an answer of the service.
type Reply struct {
	Status int
	Header http.Header
	Body   string
	// Took is from the first byte sent to the last one received.
	Took time.Duration
}

// Outcome is the status that a 2xx answer tells, or else the answer.
func (r Reply) Outcome() string {
	var answer struct{ Status string }
	if r.Status >= http.StatusMultipleChoices || json.Unmarshal([]byte(r.Body), &answer) != nil {
		return fmt.Sprintf("%d %s", r.Status, r.Body)
	}
	return answer.Status
}

// RetryAfter is the header of that name in seconds, or -1.
func (r Reply) RetryAfter() int {
	seconds, err := strconv.Atoi(r.Header.Get("Retry-After"))
	if err != nil {
		return -1
	}
	return seconds
}

// Post signs the message and sends it once.
func (s *Service) Post(ctx context.Context, m Message) (Reply, error) {
	return s.PostAt(ctx, m, time.Now())
}

// PostAt is Post of a sender whose clock says so.
func (s *Service) PostAt(ctx context.Context, m Message, now time.Time) (Reply, error) {
	signer, err := signature.NewSigner(s.Secret)
	if err != nil {
		return Reply{}, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/webhooks/workspace", bytes.NewReader(m.Body))
	if err != nil {
		return Reply{}, err
	}
	request.Header = signer.Sign(m.ID, now, m.Body)
	request.Header.Set("Content-Type", "application/json")
	return Do(request)
}

// Do sends any request and reads the answer.
func Do(request *http.Request) (Reply, error) {
	start := time.Now()
	answer, err := Sender.Do(request)
	if err != nil {
		return Reply{}, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return Reply{Status: answer.StatusCode, Header: answer.Header, Body: string(text), Took: time.Since(start)}, err
}

// Deliver sends until the answer is a 2xx, as a sender of Standard Webhooks does, only sooner: what got no answer, 429
// or 5xx is sent again. Any other answer is an error.
func (s *Service) Deliver(ctx context.Context, m Message) (Reply, error) {
	for {
		r, err := s.Post(ctx, m)
		switch {
		case err == nil && r.Status < http.StatusMultipleChoices:
			return r, nil
		case err == nil && r.Status != http.StatusTooManyRequests && r.Status < http.StatusInternalServerError:
			return r, fmt.Errorf("refused with %d: %s", r.Status, r.Body)
		}
		select {
		case <-time.After(retryPause):
		case <-ctx.Done():
			return r, ctx.Err()
		}
	}
}
