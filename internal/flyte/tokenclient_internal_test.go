package flyte

import (
	"strings"
	"testing"
)

// TestTokenClient_RefusesHTTP: only the loopback interface may be reached without TLS, also where Flyte names the endpoint.
func TestTokenClient_RefusesHTTP(t *testing.T) {
	t.Parallel()
	for endpoint, want := range map[string]bool{
		"https://idp.company.com/token?tenant=1": true, "http://127.0.0.1:1": true, "http://idp.company.com": false, "idp": false, "": false,
	} {
		if _, err := (&TLS{}).tokenClient(endpoint); (err == nil) != want {
			t.Errorf("%s: %v", endpoint, err)
		}
	}
}

// TestTokenClient_DialsNoMetadataService: the address is checked after name resolution.
func TestTokenClient_DialsNoMetadataService(t *testing.T) {
	t.Parallel()
	client, err := (&TLS{}).tokenClient("https://169.254.169.254")
	if err != nil {
		t.Fatal(err)
	}
	answer, err := client.Get("https://169.254.169.254") //nolint:noctx // refused at once
	if err == nil {
		_ = answer.Body.Close()
	}
	if err == nil || !strings.Contains(err.Error(), "is refused") {
		t.Errorf("error is %v", err)
	}
}
