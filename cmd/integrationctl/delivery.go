package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"syscall"
	"time"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
)

const (
	maxAnswer        = 1 << 20
	progressInterval = 5 * time.Second
)

// delivery is one webhook, which may be sent again.
type delivery struct {
	streams genericiooptions.IOStreams
	url, id string
	signer  *signature.Signer
	body    []byte
}

// send posts the body once.
func (d *delivery) send(ctx context.Context) error {
	_, err := d.post(ctx)
	return err
}

// sendWithRetries posts the body again after each Retry-After, until ctx ends.
func (d *delivery) sendWithRetries(ctx context.Context) error {
	for {
		retryAfter, err := d.post(ctx)
		if retryAfter <= 0 {
			return err
		}
		fmt.Fprintf(d.streams.ErrOut, "%v: sending again in %s\n", err, retryAfter)
		select {
		case <-time.After(retryAfter):
		case <-ctx.Done():
			return err
		}
	}
}

func (d *delivery) request(ctx context.Context) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, d.url, bytes.NewReader(d.body))
	if err != nil {
		return nil, usagef("--url %q can't be used: %v", d.url, err)
	}
	request.Header = d.signer.Sign(d.id, time.Now(), d.body)
	request.Header.Set("Content-Type", "application/json")
	return request, nil
}

func (d *delivery) show(ctx context.Context) error {
	request, err := d.request(ctx)
	if err != nil {
		return err
	}
	return printRequest(d.streams.Out, request, d.body)
}

// post sends the request, and prints the answer's body. retryAfter is the Retry-After of an error, zero without one.
func (d *delivery) post(ctx context.Context) (retryAfter time.Duration, err error) {
	request, err := d.request(ctx)
	if err != nil {
		return 0, err
	}
	// A signed request is for the given address, and for no other.
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(request)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return 0, fmt.Errorf("nothing listens at %s: give the service's address with --url, or in INTEGRATIONCTL_URL", d.url)
	}
	if err != nil {
		return 0, fmt.Errorf("sending (see --url): %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := d.printBody(answer.Body)
	if err != nil {
		return 0, err
	}
	return d.judge(answer, text)
}

// printBody prints an answer's body, and returns it.
func (d *delivery) printBody(body io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	if text = bytes.TrimSpace(text); len(text) > 0 {
		_, err = fmt.Fprintf(d.streams.Out, "%s\n", text)
	}
	return text, err
}

// judge returns an error unless the service did what it was asked for.
func (d *delivery) judge(answer *http.Response, text []byte) (retryAfter time.Duration, err error) {
	var body struct{ Status any }
	_ = json.Unmarshal(text, &body) // an answer that is no JSON has no status
	switch {
	case answer.StatusCode == http.StatusUnauthorized:
		return 0, errors.New("the service answered 401 Unauthorized: it has another secret (compare `" + programName +
			" secret fingerprint`), or a clock is wrong")
	case answer.StatusCode >= http.StatusMultipleChoices:
		seconds, _ := strconv.Atoi(answer.Header.Get("Retry-After")) // absent: zero
		return time.Duration(seconds) * time.Second, errors.New("the service answered " + answer.Status)
	}
	fmt.Fprintln(d.streams.ErrOut, answer.Status)
	if body.Status == "ignored" {
		return 0, errors.New("the service ignored the event: it does not know its type")
	}
	return 0, nil
}

// showWaiting shows that a request still waits, until the returned function is called.
func (d *delivery) showWaiting(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		begin, ticker := time.Now(), time.NewTicker(progressInterval)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case now := <-ticker.C:
				fmt.Fprintf(d.streams.ErrOut, "waiting until the workspace is ready: %s\n", now.Sub(begin).Round(time.Second))
			}
		}
	}()
	return func() { cancel(); <-done }
}
