package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

const signatureDetail = "webhook signature is missing, wrong or expired"

func TestHandler_RefusesEverySignatureAlike(t *testing.T) {
	resign := func(secret string, at time.Time) func(*http.Request) {
		return func(r *http.Request) {
			maps.Copy(r.Header, sign(t, secret, "msg_1", at, sample))
		}
	}
	set := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	remove := func(name string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Del(name) }
	}
	tests := map[string]func(*http.Request){
		"no headers": func(r *http.Request) { r.Header = http.Header{"Content-Type": r.Header["Content-Type"]} },
		"no id":      remove("Webhook-Id"), "no timestamp": remove("Webhook-Timestamp"), "no signature": remove("Webhook-Signature"),
		"other secret": resign(otherSecret, now),
		"expired":      resign(secret, now.Add(-5*time.Minute-time.Second)),
		"from tomorrow": resign(secret,
			now.Add(5*time.Minute+time.Second)),
		"other id":        set("Webhook-Id", "msg_2"),
		"id with a stop":  set("Webhook-Id", "msg.1"),
		"other timestamp": set("Webhook-Timestamp", fmt.Sprint(now.Unix()+1)),
		"two signatures headers": func(r *http.Request) {
			r.Header.Add("Webhook-Signature", r.Header.Get("Webhook-Signature"))
		},
		"svix says otherwise": set("Svix-Id", "msg_2"),
		"truncated body": func(r *http.Request) {
			body := sample[:len(sample)-1]
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
		},
		"no body": func(r *http.Request) { r.Body, r.ContentLength = http.NoBody, 0 },
		"unsigned, and of another media type too": func(r *http.Request) {
			r.Header = http.Header{"Content-Type": {"text/plain"}, "Content-Encoding": {"gzip"}}
		},
	}
	for name, spoil := range tests {
		t.Run(name, func(t *testing.T) {
			for _, path := range []string{hooks, provision} {
				e := newEdge(t)
				want := refused(http.StatusUnauthorized, signatureDetail)
				if diff := cmp.Diff(want, e.post(t, path, "msg_1", sample, spoil)); diff != "" {
					t.Errorf("%s (-want +got):\n%s", path, diff)
				}
				if len(e.store.stored()) > 0 {
					t.Errorf("%s: something was stored", path)
				}
			}
		})
	}
}

func TestHandler_RefusesMediaTypesAndCodings(t *testing.T) {
	add := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Add(name, value) }
	}
	mediaType := func(value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Content-Type", value) }
	}
	const types = "the Content-Type must be application/json or application/cloudevents+json"
	const coding = "the body must be sent without a content coding"
	tests := map[string]struct {
		detail string
		spoil  func(*http.Request)
	}{
		"text":             {types, mediaType("text/plain")},
		"a form":           {types, mediaType("application/x-www-form-urlencoded")},
		"problem+json":     {types, mediaType("application/problem+json")},
		"latin-1":          {types, mediaType("application/json; charset=iso-8859-1")},
		"an empty charset": {types, mediaType(`application/json; charset=""`)},
		"nonsense":         {types, mediaType("application/json; charset")},
		"none":             {types, func(r *http.Request) { r.Header.Del("Content-Type") }},
		"two":              {types, add("Content-Type", "text/plain")},
		"a batch":          {types, mediaType("application/cloudevents-batch+json")},
		"binary mode": {
			"CloudEvents are accepted in structured mode alone: the headers of the binary mode are not signed", add("Ce-Specversion", "1.0"),
		},
		"gzip":           {coding, add("Content-Encoding", "gzip")},
		"identity, gzip": {coding, add("Content-Encoding", "identity, gzip")},
		"none, then gzip": {coding, func(r *http.Request) {
			r.Header["Content-Encoding"] = []string{"", "gzip"}
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			e := newEdge(t)
			want := refused(http.StatusUnsupportedMediaType, test.detail)
			if diff := cmp.Diff(want, e.post(t, hooks, "msg_1", sample, test.spoil)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if len(e.store.stored()) > 0 {
				t.Error("something was stored")
			}
		})
	}
}

func TestHandler_AcceptsCloudEvents(t *testing.T) {
	e := newEdge(t)
	structured := func(r *http.Request) { r.Header.Set("Content-Type", "application/cloudevents+json; charset=UTF-8") }
	const attributes = `"specversion":"1.0","id":"e-1","source":"/workspaces",`
	event := strings.Replace(sample, "{", "{"+attributes, 1)
	if diff := cmp.Diff(taken(http.StatusAccepted, accepted), e.post(t, hooks, "msg_1", event, structured)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(e.store.stored()) != 1 {
		t.Error("nothing was stored")
	}
	if got := e.post(t, hooks, "msg_2", sample, structured); got.Status != http.StatusBadRequest {
		t.Errorf("without the attributes: %+v", got)
	}
	got := e.post(t, provision, "msg_3", `{"workspace_id":"ws-001","name":"Fraud"}`, structured)
	if got.Status != http.StatusUnsupportedMediaType {
		t.Errorf("/provision takes a CloudEvent: %+v", got)
	}
}

func TestHandler_RefusesBodies(t *testing.T) {
	data := func(more string) string {
		return `{"type":"workspace.created","data":{"workspace_id":"ws-001","version":1,"name":"Fraud",` + more + `}}`
	}
	notJSON := func(at int) answer {
		return refused(http.StatusBadRequest, fmt.Sprintf("the body is not a JSON document: at byte %d", at))
	}
	tests := map[string]struct {
		body string
		want answer
	}{
		"empty":      {"", notJSON(0)},
		"no JSON":    {"type: ping", notJSON(1)},
		"cut":        {`{"type":`, notJSON(8)},
		"two values": {`{"type":"ping"} {}`, notJSON(16)},
		"no UTF-8":   {"{\"type\":\"p\xffing\"}", notJSON(10)},
		"a NUL byte": {"{\"type\":\"p\x00ing\"}", notJSON(10)},
		"a key twice": {
			`{"type":"ping","type":"workspace.deleted"}`,
			refusedFor(http.StatusBadRequest, `the body has the member "type" twice`, ""),
		},
		"a key twice, deep in what is ignored": {
			data(`"x":[{"y":1,"y":2}]`), refusedFor(http.StatusBadRequest, `the body has the member "data.x[0].y" twice`, ""),
		},
		"an array":     {`[]`, invalid(`{"field":"body","message":"must be an object"}`)},
		"no type":      {`{}`, invalid(`{"field":"type","message":"is required"}`)},
		"no data":      {`{"type":"workspace.deleted"}`, invalid(`{"field":"data","message":"is required"}`)},
		"another case": {`{"Type":"ping"}`, invalid(`{"field":"type","message":"is required"}`)},
		"no version": {
			`{"type":"workspace.deleted","data":{"workspace_id":"ws-001"}}`,
			invalid(`{"field":"data.version","message":"is required: every event needs a version of 1 or more"}`),
		},
		"a reserved id": {
			`{"type":"workspace.created","data":{"workspace_id":"system","version":1,"name":"A"}}`,
			invalid(`{"field":"data.workspace_id","message":"is reserved: its namespace would be flyte-system"}`),
		},
		"several fields": {
			data(`"quota":{"cpu":"1e30"},"members":[{"kind":"Group","name":"system:masters","role":"owner"}]`),
			invalid(`{"field":"data.quota.cpu","message":"must be a quantity such as \"40\", \"500m\" or \"160Gi\""},` +
				`{"field":"data.members[0].name","message":"must not start with system:, and a ServiceAccount is a plain name in the ` +
				`workspace's own namespaces"},{"field":"data.members[0].role","message":"must be one of admin, editor, viewer"}`),
		},
		"an unknown tier": {
			data(`"tier":"golden"`), invalid(`{"field":"data.tier","message":"must be the name of an existing WorkspaceTier"}`),
		},
		"more than the tier allows": {
			data(`"quota":{"cpu":"40001m","gpu":"4"}`),
			invalid(`{"field":"data.quota.cpu","message":"is above 40, the maximum of the tier standard"}`),
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			e := newEdge(t)
			if diff := cmp.Diff(test.want, e.post(t, hooks, "msg_1", test.body)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if len(e.store.stored()) > 0 {
				t.Error("something was stored")
			}
		})
	}
}

func TestHandler_RefusesAnotherBodyUnderAUsedID(t *testing.T) {
	e := newEdge(t)
	e.post(t, hooks, "msg_1", event("created", 1))
	want := refused(http.StatusConflict, "this webhook-id was used before with another body")
	if diff := cmp.Diff(want, e.post(t, hooks, "msg_1", event("deleted", 2))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if state := e.store.stored()["ws-001"].Spec.State; state != "Active" {
		t.Errorf("the state is %s", state)
	}
}

// The sender gets a 409, and the operator a metric and a log line: nothing else shows that a change was never made.
func TestHandler_RefusesAndCountsAVersionThatIsUsedTwice(t *testing.T) {
	e := newEdge(t)
	e.post(t, hooks, "msg_1", event("created", 5))
	other := strings.Replace(event("created", 5), `"Fraud`, `"Fraud again`, 1)
	data := strings.TrimSuffix(other[strings.Index(other, `"data":`)+len(`"data":`):], "}")
	const used, remedy = "version 5 of workspace ws-001 was used before with ", ": send this event with a higher version"
	content := refused(http.StatusConflict, used+"other content"+remedy)
	state := refused(http.StatusConflict, used+"the state Active"+remedy)
	tests := []struct {
		path, body string
		want       answer
	}{
		{hooks, event("created", 5), taken(http.StatusOK, `{"status":"stale"}`)},
		{hooks, other, content},
		{provision, data, content},
		{hooks, event("suspended", 5), state},
	}
	for i, test := range tests {
		if diff := cmp.Diff(test.want, e.post(t, test.path, fmt.Sprint("again_", i), test.body)); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", test.path, test.body, diff)
		}
	}
	counted := values(t, e.registry, "workspace_flyte_webhook_version_conflicts_total")
	if diff := cmp.Diff(map[string]float64{"content": 2, "state": 1}, counted); diff != "" {
		t.Errorf("counted (-want +got):\n%s", diff)
	}
	if n := strings.Count(e.log.String(), `level=WARN msg="refused a signed request"`); n != 3 {
		t.Errorf("logged %d times:\n%s", n, e.log)
	}
}

func TestHandler_BoundsTheErrorsOfAnAnswer(t *testing.T) {
	members := strings.Repeat(`{"kind":"User","name":"ana","role":""},`, 500)
	body := `{"type":"workspace.created","data":{"workspace_id":"ws-001","version":1,"name":"Fraud","members":[` +
		strings.TrimSuffix(members, ",") + `]}}`
	got := newEdge(t).post(t, hooks, "msg_1", body)
	if n := strings.Count(got.Body, `"field"`); got.Status != http.StatusUnprocessableEntity || n != 100 {
		t.Errorf("status %d with %d errors, want 422 with 100", got.Status, n)
	}
}

// TestHandler_NeverAnswers2xxToWhatIsNotStored: every way in which a store can fail, and none says how.
func TestHandler_NeverAnswers2xxToWhatIsNotStored(t *testing.T) {
	cause := errors.New("etcdserver: 10.0.0.7 refused token hunter2")
	internal := refused(http.StatusInternalServerError, "the service failed; try again later")
	tests := map[string]struct {
		err  error
		want answer
	}{
		"unavailable": {
			&workspace.Error{Kind: workspace.KindUnavailable, Detail: "the Kubernetes API can't store it now", Err: cause},
			refused(http.StatusServiceUnavailable, "the Kubernetes API can't store it now", "Retry-After", "5"),
		},
		"full": {
			&workspace.Error{Kind: workspace.KindLimited, Detail: "there are 9000 workspaces already", Err: cause},
			refused(http.StatusTooManyRequests, "there are 9000 workspaces already", "Retry-After", "300"),
		},
		"refused by the API server, without fields": {
			&workspace.Error{Kind: workspace.KindInvalid, Detail: "the Kubernetes API refuses it", Err: cause},
			refusedFor(http.StatusUnprocessableEntity, "the Kubernetes API refuses it", `,"errors":[]`),
		},
		"a fault of ours": {&workspace.Error{Kind: workspace.KindInternal, Detail: "hunter2 again", Err: cause}, internal},
		"a kind that nobody mapped": {
			&workspace.Error{Kind: 99, Detail: "hunter2 again", Err: cause}, internal,
		},
		"an error of no kind": {cause, internal},
		"out of time": {
			fmt.Errorf("%w: %w", cause, context.DeadlineExceeded),
			refused(http.StatusServiceUnavailable, "the service can't answer now; try again later", "Retry-After", "5"),
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			for path, body := range map[string]string{hooks: sample, provision: `{"workspace_id":"ws-001","name":"Fraud"}`} {
				e := newEdge(t)
				e.store.fault = func(context.Context) error { return test.err }
				if diff := cmp.Diff(test.want, e.post(t, path, "msg_1", body)); diff != "" {
					t.Errorf("%s (-want +got):\n%s", path, diff)
				}
			}
		})
	}
}

func TestHandler_AnswersWithinFiveSecondsIfTheStoreHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemory()
		store.fault = func(ctx context.Context) error {
			<-ctx.Done()
			return &workspace.Error{Kind: workspace.KindUnavailable, Detail: "the Kubernetes API can't store it now", Err: ctx.Err()}
		}
		start := time.Now()
		got := ask(t, options(t, store), hooks, sample)
		want := refused(http.StatusServiceUnavailable, "the Kubernetes API can't store it now", "Retry-After", "5")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("the answer took %s", took)
		}
	})
}

// The log says which event was refused and why, but nothing personal, and nothing of who does not sign.
func TestHandler_LogsWhyASignedRequestIsRefused(t *testing.T) {
	e := newEdge(t, clockStandsStill)
	const body = `{"type":"workspace.created","data":{"workspace_id":"ws-001","version":1,"name":"Secret plans",` +
		`"members":[{"kind":"User","name":"eve@company.com","role":"owner"}]}}`
	e.post(t, hooks, "msg_1", body, func(r *http.Request) { r.Header.Del("Webhook-Signature") })
	if strings.Contains(e.log.String(), "refused") {
		t.Errorf("an unsigned request is logged: %s", e.log)
	}
	e.post(t, hooks, "msg_2", body)
	for _, want := range []string{
		"level=INFO", `msg="refused a signed request"`, "delivery=msg_2", "event=workspace.created", "workspace=ws-001", "status=422",
		"data.members[0].role",
	} {
		if !strings.Contains(e.log.String(), want) {
			t.Errorf("the log lacks %s: %s", want, e.log)
		}
	}
	for _, secret := range []string{"eve@company.com", "Secret plans", "whsec"} {
		if strings.Contains(e.log.String(), secret) {
			t.Errorf("the log has %s: %s", secret, e.log)
		}
	}
	for i := range 50 {
		e.post(t, hooks, fmt.Sprint("many_", i), body)
	}
	if n := strings.Count(e.log.String(), "refused a signed request"); n != 20 {
		t.Errorf("%d of 51 refusals are logged, want 20", n)
	}
}

func TestHandler_CountsRequestsByOutcome(t *testing.T) {
	e := newEdge(t)
	e.post(t, hooks, "msg_1", sample)
	e.post(t, hooks, "msg_1", sample)
	e.post(t, hooks, "msg_1", event("deleted", 9))
	e.post(t, hooks, "msg_1", sample, func(r *http.Request) { r.Header.Del("Webhook-Id") })
	e.store.fault = func(context.Context) error { panic("hunter2") }
	e.post(t, hooks, "msg_2", event("deleted", 9))
	e.post(t, hooks, "msg_3", `{"type":"invoice.paid"}`)
	e.post(t, provision, "msg_4", `{}`)
	want := map[string]float64{
		"none 401": 1, "workspace.deleted 409": 1, "workspace.deleted 500": 1, "workspace.created accepted": 1, "workspace.created duplicate": 1,
		"unknown ignored": 1, "provision 422": 1,
	}
	if diff := cmp.Diff(want, e.counted(t)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// counted are the requests by event and outcome.
func (e *edge) counted(t *testing.T) map[string]float64 {
	t.Helper()
	families, err := e.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]float64{}
	for _, family := range families {
		if family.GetName() != "workspace_flyte_webhook_deliveries_total" {
			continue
		}
		for _, metric := range family.GetMetric() {
			labels := metric.GetLabel()
			counts[labels[0].GetValue()+" "+labels[1].GetValue()] = metric.GetCounter().GetValue()
		}
	}
	return counts
}
