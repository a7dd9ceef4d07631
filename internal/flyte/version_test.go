package flyte_test

import (
	"errors"
	"strings"
	"testing"

	"platform.company.com/workspace-flyte-integration/internal/flyte"
	"platform.company.com/workspace-flyte-integration/internal/flyte/flytetest"
)

func TestClient_ReturnsTheVersion(t *testing.T) {
	t.Parallel()
	for want, client := range map[string]*flyte.Client{
		flytetest.Version: newClient(t, flyte.Options{Endpoint: startDouble(t).Addr()}),
		"v2":              newClient(t, flyte.Options{Endpoint: startDoubleV2(t).Addr(), API: flyte.V2}),
	} {
		if got, err := client.Version(t.Context()); got != want || err != nil {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
}

// TestClient_RecognizesTheOtherVersion: a wrong FLYTE_API_VERSION must not look like a Flyte that is down.
func TestClient_RecognizesTheOtherVersion(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		options flyte.Options
		found   string
	}{
		"v1 asked of Flyte 2":    {flyte.Options{Endpoint: startDoubleV2(t).Addr(), API: flyte.V1}, "Flyte v2"},
		"v2 asked of FlyteAdmin": {flyte.Options{Endpoint: startDouble(t).Addr(), API: flyte.V2}, "Flyte " + flytetest.Version},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := newClient(t, test.options)
			_, versionErr := client.Version(t.Context())
			_, ensureErr := client.EnsureProject(t.Context(), newProject("ws-1"))
			for _, err := range []error{versionErr, ensureErr} {
				if !errors.Is(err, flyte.ErrWrongVersion) || !strings.HasSuffix(err.Error(), test.found) {
					t.Errorf("error is %v, want ErrWrongVersion and %s", err, test.found)
				}
			}
		})
	}
}

func TestNew_RefusesUnknownAPI(t *testing.T) {
	if _, err := flyte.New(flyte.Options{Endpoint: "localhost:81", OwnerLabel: ownerLabel, API: "v3"}); err == nil {
		t.Error("v3 is taken")
	}
}
