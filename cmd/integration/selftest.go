package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"platform.company.com/workspace-flyte-integration/internal/secretfile"
	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
)

const (
	selfTestTimeout  = time.Minute
	selfTestInterval = time.Second
	selfTestRequest  = 10 * time.Second
)

// selfTest is what `helm test` runs: it passes when the service at base is healthy and, where the secret file holds a
// symmetric secret, takes a signed ping, which changes nothing. It tries for a minute.
func selfTest(ctx context.Context, base, secretFile string, out io.Writer) error {
	base = strings.TrimRight(base, "/")
	check := func(ctx context.Context) error { return ask(ctx, http.MethodGet, base+"/health", nil, nil) }
	if err := untilPassed(ctx, check); err != nil {
		return fmt.Errorf("asking for the health of the service: %w", err)
	}
	fmt.Fprintln(out, "healthy")
	signer, err := pingSigner(secretFile)
	if err != nil {
		return err
	}
	if signer == nil {
		fmt.Fprintln(out, "no ping was sent: there is no whsec_ secret to sign it with")
		return nil
	}
	if err := untilPassed(ctx, func(ctx context.Context) error { return ping(ctx, base, signer) }); err != nil {
		return fmt.Errorf("sending a signed ping: %w", err)
	}
	fmt.Fprintln(out, "a signed ping was taken")
	return nil
}

// pingSigner signs with the symmetric secrets of the file; nil where there is none, since a public key can't sign.
func pingSigner(secretFile string) (*signature.Signer, error) {
	if secretFile == "" {
		return nil, errors.New("WORKSPACE_WEBHOOK_SECRET_FILE: is required")
	}
	text, err := secretfile.Read(secretFile)
	if err != nil {
		return nil, fmt.Errorf("reading WORKSPACE_WEBHOOK_SECRET_FILE: %w", err)
	}
	symmetric := slices.DeleteFunc(strings.Fields(string(text)), func(secret string) bool { return !strings.HasPrefix(secret, "whsec_") })
	if len(symmetric) == 0 {
		return nil, nil //nolint:nilnil // no signer is an answer
	}
	signer, err := signature.NewSigner(strings.Join(symmetric, " "))
	if err != nil {
		return nil, fmt.Errorf("reading WORKSPACE_WEBHOOK_SECRET_FILE: %w", err)
	}
	return signer, nil
}

func ping(ctx context.Context, base string, signer *signature.Signer) error {
	body := []byte(`{"type":"ping","data":{}}`)
	header := signer.Sign("msg_"+rand.Text(), time.Now(), body)
	header.Set("Content-Type", "application/json")
	return ask(ctx, http.MethodPost, base+"/webhooks/workspace", header, body)
}

// errRefused marks an answer that another try would not change.
var errRefused = errors.New("refused")

// untilPassed tries again until the check passes; after a minute, or a refusal, it returns the check's last error.
func untilPassed(ctx context.Context, check func(context.Context) error) error {
	var last error
	err := wait.PollUntilContextTimeout(ctx, selfTestInterval, selfTestTimeout, true, func(ctx context.Context) (bool, error) {
		last = check(ctx)
		return last == nil || errors.Is(last, errRefused), nil
	})
	if last != nil {
		return last
	}
	return err
}

// ask fails unless the answer is a 200.
func ask(ctx context.Context, method, url string, header http.Header, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, selfTestRequest)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body)) //nolint:gosec // the operator names it
	if err != nil {
		return err
	}
	if header != nil {
		request.Header = header
	}
	answer, err := http.DefaultClient.Do(request) //nolint:gosec // as above
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode == http.StatusOK {
		return nil
	}
	return errAnswer(method, url, answer)
}

// errAnswer is errRefused if another try would get the same answer.
func errAnswer(method, url string, answer *http.Response) error {
	text, _ := io.ReadAll(io.LimitReader(answer.Body, 4096))
	err := fmt.Errorf("%s %s answered %s: %s", method, url, answer.Status, bytes.TrimSpace(text))
	if answer.StatusCode/100 == 4 && answer.StatusCode != http.StatusTooManyRequests {
		err = fmt.Errorf("%w: %w", errRefused, err)
	}
	return err
}
