package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// probeTimeout bounds one request of probe.
const probeTimeout = 4 * time.Second

// probe asks each URL once, and fails unless all answer 2xx. It is the health check of container engines, for which the image has no other
// program. As the kubelet does, it verifies no certificate: it asks its own container.
func probe(ctx context.Context, urls []string) error {
	client := &http.Client{Timeout: probeTimeout, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // as above
	}}
	var failed error
	for _, url := range urls {
		failed = errors.Join(failed, probeOne(ctx, client, url))
	}
	return failed
}

func probeOne(ctx context.Context, client *http.Client, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil) //nolint:gosec // the operator names it
	if err != nil {
		return err
	}
	answer, err := client.Do(request) //nolint:gosec // the operator names it
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(answer.Body, 4096))
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("%s answered %s: %s", url, answer.Status, text)
	}
	return nil
}
