package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestProbe(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /readyz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "the queue stalls", http.StatusServiceUnavailable)
	})
	plain, encrypted := httptest.NewServer(mux), httptest.NewTLSServer(mux)
	t.Cleanup(plain.Close)
	t.Cleanup(encrypted.Close)
	for _, base := range []string{plain.URL, encrypted.URL} {
		if err := probe(t.Context(), []string{base + "/readyz"}); err != nil {
			t.Errorf("%s is ready: %v", base, err)
		}
		err := probe(t.Context(), []string{base + "/readyz", base + "/livez"})
		if err == nil || !strings.Contains(err.Error(), "/livez answered 503 Service Unavailable: the queue stalls") {
			t.Errorf("%s is not alive: %v", base, err)
		}
	}
	if err := probe(t.Context(), []string{"http://127.0.0.1:1/readyz"}); err == nil {
		t.Error("nothing listens there, and the probe passes")
	}
}
