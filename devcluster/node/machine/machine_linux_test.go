package machine

import (
	"strings"
	"testing"
)

func TestCanRun_NamesEachMissingProgram(t *testing.T) {
	t.Setenv("PATH", "")
	err := CanRun()
	for _, want := range []string{"the program ip (Debian package iproute2)", "the program apt-get", "the program dpkg"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
}
