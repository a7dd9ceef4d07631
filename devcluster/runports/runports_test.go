package runports

import (
	"net"
	"strconv"
	"strings"
	"testing"
)

func TestChoose_ReadsTheVariables(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, err := net.SplitHostPort(taken.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]string{}
	for _, v := range variables {
		env[v.name] = "0"
	}
	getenv := func(name string) string { return env[name] }
	free, err := Choose(t.Context(), getenv)
	if err != nil || free.Integration == 0 || free.Integration == free.Metrics {
		t.Fatalf("any free ports: %+v, %v", free, err)
	}
	for _, v := range variables {
		for value, want := range map[string]string{
			port:    "port " + port + " of " + v.server + " can't be used: set " + v.name + " to another port",
			"65536": v.name + "=65536 is not a port",
			"-1":    v.name + "=-1 is not a port",
			"http":  v.name + "=http is not a port",
		} {
			env[v.name] = value
			_, err := Choose(t.Context(), getenv)
			if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s=%s: %v, want %q", v.name, value, err, want)
			}
		}
		env[v.name] = "0"
	}

	env["RUN_FLYTE_PORT"] = strconv.Itoa(free.Flyte)
	if got, err := Choose(t.Context(), getenv); err != nil || got.Flyte != free.Flyte {
		t.Errorf("a chosen port: %+v, %v", got, err)
	}
	env["RUN_PORT"] = env["RUN_FLYTE_PORT"]
	if _, err := Choose(t.Context(), getenv); err == nil || !strings.Contains(err.Error(), "is used twice") {
		t.Errorf("a port for two servers: %v", err)
	}
}
