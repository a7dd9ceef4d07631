package flyte_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"platform.company.com/workspace-flyte-integration/internal/flyte"
	"platform.company.com/workspace-flyte-integration/internal/flyte/flytetest"
)

// probeContract is the result of Probe for any Flyte.
func probeContract(t *testing.T, f flyteServer) {
	t.Helper()
	project := f.newProject(t)
	f.ensure(t, project, true) // without a project, Flyte 2 lists no domains
	var want []string
	for _, domain := range f.get(t, project.ID).GetDomains() {
		want = append(want, domain.GetId())
	}
	info, err := f.client.Probe(t.Context())
	if err != nil || info.Version == "" || len(want) == 0 {
		t.Errorf("got %+v, %v", info, err)
	}
	if diff := cmp.Diff(want, info.Domains); diff != "" {
		t.Errorf("domains (-want +got):\n%s", diff)
	}
}

// TestClient_ProbesTheDatabase: FlyteAdmin reports version and domains without it.
func TestClient_ProbesTheDatabase(t *testing.T) {
	t.Parallel()
	first, second := startDouble(t), startDoubleV2(t)
	for server, client := range map[*flytetest.Server]*flyte.Client{
		first:  newClient(t, flyte.Options{Endpoint: first.Addr()}),
		second: newClient(t, flyte.Options{Endpoint: second.Addr(), API: flyte.V2}),
	} {
		server.SetDatabaseFault(flytetest.DatabaseUnreachable)
		if info, err := client.Probe(t.Context()); !errors.Is(err, flyte.ErrUnavailable) {
			t.Errorf("got %+v, %v, want ErrUnavailable", info, err)
		}
		server.SetDatabaseFault(flytetest.DatabaseWorks)
		if _, err := client.Probe(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// TestClient_RecognizesOtherServers: "Flyte does not answer" would mislead, since they do.
func TestClient_RecognizesOtherServers(t *testing.T) {
	t.Parallel()
	html := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<html>hello</html>"))
	}
	gateway := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }
	for name, test := range map[string]struct {
		handler      http.HandlerFunc
		http2, flyte bool
	}{
		"a page":             {html, true, false},
		"404":                {http.NotFound, true, false},
		"only HTTP/1.1":      {html, false, false},
		"Flyte behind a 502": {gateway, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewUnstartedServer(test.handler)
			server.Config.Protocols = new(http.Protocols)
			server.Config.Protocols.SetHTTP1(!test.http2)
			server.Config.Protocols.SetUnencryptedHTTP2(test.http2)
			server.Start()
			t.Cleanup(server.Close)
			client := newClient(t, flyte.Options{Endpoint: strings.TrimPrefix(server.URL, "http://")})
			_, versionErr := client.Version(t.Context())
			_, err := client.EnsureProject(t.Context(), newProject("ws-1"))
			for _, err := range []error{versionErr, err} {
				if errors.Is(err, flyte.ErrNotFlyte) == test.flyte || !errors.Is(err, flyte.ErrUnavailable) {
					t.Errorf("error is %v, want ErrUnavailable, and ErrNotFlyte: %v", err, !test.flyte)
				}
			}
		})
	}
}

func TestClient_RecognizesUnknownDomains(t *testing.T) {
	t.Parallel()
	_, f := start(t)
	want := newProject("ws-1")
	want.Attributes = inAll([]string{"nowhere"}, fullAttributes())
	want.OwnedKinds = flyte.Kinds()
	f.ensure(t, newProject("ws-1"), true)
	_, err := f.client.EnsureProject(t.Context(), want)
	if !errors.Is(err, flyte.ErrUnknownDomain) || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("error is %v, want ErrUnknownDomain that names it", err)
	}
}
