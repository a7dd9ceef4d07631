package ssh

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const userConfig = `
Host target
  HostName 203.0.113.7
  Port 2222
  User ops
  IdentityFile ~/keys/target
  UserKnownHostsFile ~/known
  ProxyJump jump,second@198.51.100.1:22
Host *
  User everyone
`

// TestResolve: the command line wins over ~/.ssh/config, and that over what is usual.
func TestResolve(t *testing.T) {
	home := t.TempDir()
	if err := os.Mkdir(filepath.Join(home, ".ssh"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home, ".ssh", "config"), []byte(userConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	usualKeys := []string{home + "/.ssh/id_ed25519", home + "/.ssh/id_ecdsa", home + "/.ssh/id_rsa"}
	usualHosts := []string{home + "/.ssh/known_hosts"}
	for name, c := range map[string]struct {
		o    Options
		want destination
	}{
		"an alias": {Options{Host: "target"}, destination{
			alias: "target", address: "203.0.113.7:2222", user: "ops", knownHosts: []string{home + "/known"},
			keyFiles: append([]string{home + "/keys/target"}, usualKeys...), jumps: []string{"jump", "second@198.51.100.1:22"},
		}},
		"the command line": {Options{Host: "root@target:22", KeyFile: "given"}, destination{
			alias: "target", address: "203.0.113.7:22", user: "root", knownHosts: []string{home + "/known"},
			keyFiles: []string{"given"}, jumps: []string{"jump", "second@198.51.100.1:22"},
		}},
		"another host": {Options{Host: "other"}, destination{
			alias: "other", address: "other:22", user: "everyone", knownHosts: usualHosts, keyFiles: usualKeys,
		}},
		"IPv6": {Options{Host: "[2001:db8::1]:2022", User: "ana"}, destination{
			alias: "2001:db8::1", address: "[2001:db8::1]:2022", user: "ana", knownHosts: usualHosts, keyFiles: usualKeys,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			c.o.Home = home
			got, err := c.o.resolve(c.o.Host)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&c.want, got, cmp.AllowUnexported(destination{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestEncode: sh gets the script as it is, and its arguments.
func TestEncode(t *testing.T) {
	script := "printf '%s|' \"$1\" \\\\ '!'\n# it's\n\necho done"
	line := decodeAndRun + " " + encode(script) + " " + quote("it's $HOME")
	got, err := exec.CommandContext(t.Context(), "sh", "-c", line).CombinedOutput()
	if err != nil || string(got) != `it's $HOME|\|!|done`+"\n" {
		t.Errorf("%v, %q", err, got)
	}
	if encoded := encode(script); strings.ContainsAny(encoded[1:len(encoded)-1], "\n'!") {
		t.Errorf("it is %s", encoded)
	}
}

func TestQuote(t *testing.T) {
	if got, want := quote(`it's $HOME`), `'it'\''s $HOME'`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestLineWriter: lines come whole, however the output is cut, and an error repeats the last ones.
func TestLineWriter(t *testing.T) {
	var lines []string
	w := &lineWriter{lines: func(line string) { lines = append(lines, line) }}
	for _, part := range []string{"a", "b\r\nc\n\nd\ne\nf", "g\nh"} {
		if _, err := w.Write([]byte(part)); err != nil {
			t.Fatal(err)
		}
	}
	w.flush()
	if got := strings.Join(lines, "|"); got != "ab|c||d|e|fg|h" {
		t.Errorf("the lines are %s", got)
	}
	if got := w.tail(); got != "; d; e; fg; h" {
		t.Errorf("the tail is %q", got)
	}
}
