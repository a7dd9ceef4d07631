package workspaceservicetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/netguard"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
	"platform.company.com/workspace-flyte-integration/internal/workspaceservice"
)

const (
	maxBody     = 256 << 10
	defaultPage = 100
	maxPage     = 1000
	tolerance   = 5 * time.Minute
)

// Options say what the double talks to, and how.
type Options struct {
	// WebhookURL is the base URL of the integration, WebhookSigner signs the webhooks.
	WebhookURL    string
	WebhookSigner *signature.Signer
	// ReportKeys are what reports are signed with.
	ReportKeys *signature.Keys
	// State is the path of the file that outlives a restart; none without it.
	State string
	// Faster divides the pauses between attempts, Drop is the share of events that are not sent, from 0 to 1.
	Faster, Drop float64
	// Out gets a line for each message of the conversation.
	Out io.Writer
}

func (o Options) logf(format string, args ...any) {
	_, _ = fmt.Fprintf(o.Out, time.Now().Format(time.TimeOnly)+"  "+format+"\n", args...)
}

// Service is the double. It is an [http.Handler].
type Service struct {
	Options
	http.Handler
	journal   *journal
	sender    *sender
	forwarder *forwarder
	verifier  *signature.Verifier
	sending   sync.WaitGroup
	ctx       context.Context //nolint:containedctx // that of the whole service: what it sends outlives the request
}

// New makes a double with the state of its file, and goes on sending what was not accepted yet. It ends with ctx.
func New(ctx context.Context, o Options) (*Service, error) {
	kept, err := openJournal(o.State)
	if err != nil {
		return nil, err
	}
	forwarder, err := newForwarder(o.WebhookURL)
	if err != nil {
		return nil, err
	}
	s := &Service{Options: o, journal: kept, sender: newSender(o), forwarder: forwarder, ctx: ctx}
	s.verifier = signature.NewVerifier(func() *signature.Keys { return o.ReportKeys }, tolerance, time.Now)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /workspaces", s.list)
	mux.HandleFunc("GET /workspaces/{id}", s.show)
	mux.HandleFunc("PUT /workspaces/{id}", s.put)
	mux.HandleFunc("POST /workspaces/{id}/suspend", s.setState(v1alpha1.StateSuspended))
	mux.HandleFunc("POST /workspaces/{id}/resume", s.setState(v1alpha1.StateActive))
	mux.HandleFunc("DELETE /workspaces/{id}", s.setState(v1alpha1.StateDeleted))
	mux.HandleFunc("POST /workspaces/{id}/integrations/flyte", s.report)
	mux.HandleFunc("POST /webhooks/workspace", s.forward(workspace.DecodeEvent))
	mux.HandleFunc("POST /provision", s.forward(decodeProvision))
	mux.HandleFunc("GET /{$}", s.table)
	s.Handler = loopbackOnly(http.NewCrossOriginProtection().Handler(mux))
	for _, e := range slices.Collect(maps.Values(kept.events)) { // of a copy: sending removes them
		s.send(e)
	}
	return s, nil
}

// loopbackOnly refuses requests for another name than this machine's own: a page in the developer's browser may have got its
// name resolved to this address.
func loopbackOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		if !netguard.IsLoopback(host) {
			http.Error(w, "this double answers on the loopback interface only", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Wait returns when nothing is being sent any more.
func (s *Service) Wait() { s.sending.Wait() }

func (s *Service) send(e event) {
	s.sending.Go(func() {
		if !s.sender.deliver(s.ctx, e) {
			return
		}
		if err := s.journal.markSent(e.ID); err != nil {
			s.logf("%v", err)
		}
	})
}

func (s *Service) list(w http.ResponseWriter, r *http.Request) {
	limit, err := strconv.Atoi(r.URL.Query().Get("limit"))
	if err != nil || limit < 1 || limit > maxPage {
		limit = defaultPage
	}
	cursor := r.URL.Query().Get("cursor")
	items, next := s.journal.page(cursor, limit)
	if cursor == "" && r.Header.Get("Webhook-Id") != "" {
		s.logf("listing is read")
	}
	writeJSON(w, http.StatusOK, map[string]any{"items": append([]workspace.Listed{}, items...), "next_cursor": next})
}

func (s *Service) put(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		writeError(w, http.StatusRequestEntityTooLarge, err)
		return
	}
	data, err := workspace.DecodeData(body)
	if err != nil {
		writeError(w, http.StatusBadRequest, err)
		return
	}
	data.WorkspaceID = r.PathValue("id")
	listed, e, err := s.journal.put(data)
	s.changed(w, listed, e, err)
}

func (s *Service) setState(state v1alpha1.State) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		listed, e, err := s.journal.setState(r.PathValue("id"), state)
		s.changed(w, listed, e, err)
	}
}

// changed sends the event of a change that was noted.
func (s *Service) changed(w http.ResponseWriter, listed workspace.Listed, e event, err error) {
	switch {
	case errors.Is(err, errUnknown):
		writeError(w, http.StatusNotFound, err)
	case err != nil:
		writeError(w, http.StatusInternalServerError, err)
	default:
		s.send(e)
		writeJSON(w, http.StatusOK, listed)
	}
}

// report accepts a report as a workspace service should: it verifies the signature first, and keeps the highest id.
func (s *Service) report(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		writeError(w, http.StatusRequestEntityTooLarge, err)
		return
	}
	signed, err := s.verifier.Verify(r.Header, body)
	if err != nil {
		writeError(w, http.StatusUnauthorized, err)
		return
	}
	received := Received{At: time.Now().UTC(), ID: signed.ID}
	if err := json.Unmarshal(body, &received.Report); err != nil || received.Report.WorkspaceID != r.PathValue("id") {
		writeError(w, http.StatusBadRequest, errors.New("the report is not one of this workspace"))
		return
	}
	late, known, err := s.journal.addReport(received)
	if err == nil && !known { // an event that creates it may be on its way through here
		s.forwarder.wait(received.Report.WorkspaceID)
		late, known, err = s.journal.addReport(received)
	}
	switch {
	case err != nil:
		writeError(w, http.StatusInternalServerError, err)
	case !known:
		s.logf("report   %s is not known here: 404", received.Report.WorkspaceID)
		writeError(w, http.StatusNotFound, errUnknown)
	default:
		if late {
			s.logf("report   %s: the next comes late and says nothing new", received.Report.WorkspaceID)
		}
		s.logReport(received.Report)
		w.WriteHeader(http.StatusNoContent)
	}
}

func (s *Service) logReport(r workspaceservice.Report) {
	s.logf("report   %s@%d is %s (%s) %s", r.WorkspaceID, r.Version, r.Status, r.Reason, r.ConsoleURL)
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) //nolint:errchkjson // the client is gone
}

func writeError(w http.ResponseWriter, status int, err error) {
	writeJSON(w, status, map[string]any{"title": http.StatusText(status), "status": status, "detail": err.Error()})
}
