package service

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"time"

	"platform.company.com/workspace-flyte-integration/internal/workspace"
	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
)

// retryPause is how long Deliver waits before it retries.
const retryPause = 50 * time.Millisecond

// Sender reuses its connections, even if many are open.
var Sender = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1024}}

// Message is one webhook. It may be sent repeatedly.
type Message struct {
	ID   string
	Body []byte
	// Header has further headers, which are not signed.
	Header http.Header
}

// NewMessage returns a message with a new id.
func NewMessage(kind workspace.EventType, data workspace.Data) (Message, error) {
	body, err := json.Marshal(workspace.Event{Type: kind, Timestamp: time.Now(), Data: data})
	if err != nil {
		return Message{}, fmt.Errorf("writing the event as JSON: %w", err)
	}
	return Message{ID: "msg_" + rand.Text(), Body: body}, nil
}

// Reply is a response of the service.
type Reply struct {
	Status int
	Header http.Header
	Body   string
	// Took is the time from the start of the request to the last byte received.
	Took time.Duration
}

// Outcome is the "status" in the body of a 2xx response, or else the status code and the body.
func (r Reply) Outcome() string {
	var body struct{ Status string }
	if r.Status >= http.StatusMultipleChoices || json.Unmarshal([]byte(r.Body), &body) != nil {
		return fmt.Sprintf("%d %s", r.Status, r.Body)
	}
	return body.Status
}

// RetryAfter is the Retry-After header in seconds, -1 without one.
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

// PostAt is Post with the sender's clock at now.
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
	maps.Copy(request.Header, m.Header)
	return Do(request)
}

// Do sends a request and reads the response.
func Do(request *http.Request) (Reply, error) {
	start := time.Now()
	response, err := Sender.Do(request)
	if err != nil {
		return Reply{}, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return Reply{Status: response.StatusCode, Header: response.Header, Body: string(text), Took: time.Since(start)}, err
}

// Deliver sends until the response is 2xx. Like a sender of Standard Webhooks, but sooner, it retries after a lost connection, 429 or
// 5xx. Any other response is an error.
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
