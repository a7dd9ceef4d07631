package workspaceservicetest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"

	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// forwarder passes requests that another sender has signed to the integration.
type forwarder struct {
	target *url.URL
	// pending has a lock for each workspace. It is read-locked while an event of that workspace is forwarded.
	pending sync.Map
}

func newForwarder(webhookURL string) (*forwarder, error) {
	target, err := url.Parse(webhookURL)
	if err != nil {
		return nil, fmt.Errorf("reading the URL of the integration: %w", err)
	}
	return &forwarder{target: target}, nil
}

func (f *forwarder) lock(workspaceID string) *sync.RWMutex {
	lock, _ := f.pending.LoadOrStore(workspaceID, &sync.RWMutex{})
	return lock.(*sync.RWMutex) //nolint:forcetypeassert // nothing else is stored
}

// wait returns when no event of the workspace is being forwarded.
func (f *forwarder) wait(workspaceID string) {
	lock := f.lock(workspaceID)
	lock.Lock()
	defer lock.Unlock() //nolint:gocritic // waiting is all
}

// forward passes a signed request on unchanged. When the integration has accepted it, the double records the same change
// before it answers, as if the change had been made here: it then lists the workspace and accepts its reports.
func (s *Service) forward(decode func([]byte) (workspace.Event, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			writeError(w, http.StatusRequestEntityTooLarge, err)
			return
		}
		event, err := decode(body)
		readable := err == nil // if it isn't, the integration says why
		lock := s.forwarder.lock(event.Data.WorkspaceID)
		lock.RLock()
		defer lock.RUnlock()
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		proxy := &httputil.ReverseProxy{
			Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(s.forwarder.target) },
			ModifyResponse: func(answer *http.Response) error {
				s.logf("forward  %s %s: %d", event.Data.WorkspaceID, event.Type, answer.StatusCode)
				if !readable || answer.StatusCode >= http.StatusMultipleChoices {
					return nil
				}
				return s.recordAccepted(event)
			},
			ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
				writeError(w, http.StatusBadGateway, fmt.Errorf("forwarding to %s: %w", s.WebhookURL, err))
			},
		}
		proxy.ServeHTTP(w, r)
	}
}

// decodeProvision reads the body of /provision, which asks for the same as workspace.created.
func decodeProvision(body []byte) (workspace.Event, error) {
	data, err := workspace.DecodeData(body)
	return workspace.Event{Type: workspace.EventCreated, Data: data}, err
}

// recordAccepted records an event that the integration has accepted. A request to /provision may have no version. If it created
// the workspace, the double gives it one, and sends it in an event of its own.
func (s *Service) recordAccepted(e workspace.Event) error {
	if e.Data.WorkspaceID == "" {
		return nil
	}
	if e.Data.Version > 0 {
		return s.journal.record(e)
	}
	if _, known := s.journal.show(e.Data.WorkspaceID); known {
		return nil
	}
	_, created, err := s.journal.put(e.Data)
	if err == nil {
		s.send(created)
	}
	return err
}
