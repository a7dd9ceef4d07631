package docker

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/moby/moby/client"
)

// TestTarget_CreateIsNotCutOff: an interrupt while the engine creates a container does not hide its id, by which it is removed.
func TestTarget_CreateIsNotCutOff(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	engine := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			interrupt()
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Api-Version", "1.41")
		fmt.Fprint(w, `{"Id": "new"}`)
	}))
	defer engine.Close()
	target, err := New(Options{Project: "service", CPU: "1", Memory: "1Gi", Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if target.engine, err = client.New(client.WithHost("tcp://" + engine.Listener.Addr().String())); err != nil {
		t.Fatal(err)
	}
	project, err := target.compose("service:v1", nil)
	if err != nil {
		t.Fatal(err)
	}
	service := project.Services[serviceName]
	if id, err := target.create(ctx, target.candidate(), &service, &revision{ImageID: "sha256:1"}); err != nil || id != "new" {
		t.Errorf("it got %q, %v", id, err)
	}
	if _, err := target.create(ctx, target.candidate(), &service, &revision{ImageID: "sha256:1"}); err == nil {
		t.Error("it began after the interrupt")
	}
}
