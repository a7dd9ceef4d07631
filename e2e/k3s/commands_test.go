//go:build linux

package k3s

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
	"k8s.io/client-go/tools/clientcmd"

	"platform.company.com/workspace-flyte-integration/e2e/harness"
	"platform.company.com/workspace-flyte-integration/e2e/sshhost"
)

// commands are those that scripts have besides testscript's own.
func (env *environment) commands(t *testing.T) map[string]func(*testscript.TestScript, bool, []string) {
	t.Helper()
	hosts := map[string]*sshhost.Host{}
	var node *realNode
	return map[string]func(*testscript.TestScript, bool, []string){
		"code": harness.Code,
		// host NAME SIZE starts a host, whose address is then in the variable NAME.
		"host": func(ts *testscript.TestScript, _ bool, args []string) {
			hosts[args[0]] = env.startHost(t, args[1])
			ts.Setenv(args[0], hosts[args[0]].Address)
		},
		// realhost NAME starts a host on which K3s will be a real node.
		"realhost": func(ts *testscript.TestScript, _ bool, args []string) {
			hosts[args[0]], node = env.startRealHost(t, ts)
			ts.Setenv(args[0], hosts[args[0]].Address)
		},
		"flyte": func(*testscript.TestScript, bool, []string) { node.createFlyte(t) },
		// forward sets URL to one that leads to the service in the real node.
		"forward": func(ts *testscript.TestScript, _ bool, _ []string) { ts.Setenv("URL", node.forward(t)) },
		// put NAME FILE TEXT writes an executable file on the host.
		"put": func(ts *testscript.TestScript, _ bool, args []string) {
			ts.Check(os.WriteFile(hosts[args[0]].Path(args[1]), []byte(args[2]+"\n"), 0o700))
		},
		// shell NAME PROGRAM makes it the login shell of the user ops.
		"shell": func(ts *testscript.TestScript, _ bool, args []string) {
			file := hosts[args[0]].Path("/etc/passwd")
			text, err := os.ReadFile(file)
			ts.Check(err)
			text = regexp.MustCompile("(?m)^(ops:.*:).*$").ReplaceAll(text, []byte("${1}"+args[1]))
			ts.Check(os.WriteFile(file, text, 0o600)) //nolint:gosec // of the test's host
		},
		// take NAME FILE removes a file of the host.
		"take": func(ts *testscript.TestScript, _ bool, args []string) {
			ts.Check(os.RemoveAll(hosts[args[0]].Path(args[1])))
		},
		// has NAME FILE PATTERN: a line of the file matches.
		"has": func(ts *testscript.TestScript, neg bool, args []string) {
			text, err := os.ReadFile(hosts[args[0]].Path(args[1]))
			if err != nil && !neg {
				ts.Check(err)
			}
			if regexp.MustCompile("(?m)"+args[2]).Match(text) == neg {
				ts.Fatalf("%s on %s is\n%s", args[1], args[0], text)
			}
		},
		// fido HOST touched|untouched makes a FIDO key, in an SSH agent, the only one that the host accepts, and writes its public key.
		"fido": func(ts *testscript.TestScript, _ bool, args []string) {
			fido := sshhost.StartFIDO(t, args[1] == "touched")
			ts.Setenv("SSH_AUTH_SOCK", fido.Socket)
			line := ssh.MarshalAuthorizedKey(fido.Public)
			ts.Check(os.WriteFile(hosts[args[0]].Path("/root-ops/.ssh/authorized_keys"), line, 0o600))
			ts.Check(os.WriteFile(filepath.Join(ts.Getenv("HOME"), "fido.pub"), line, 0o600))
		},
		"known":  func(ts *testscript.TestScript, _ bool, args []string) { env.known(t, ts, hosts[args[0]], args[1]) },
		"cutall": func(ts *testscript.TestScript, _ bool, args []string) { cutAll(ts, hosts[args[0]], args[1:]) },
		"mode":   mode,
		// config HOST JUMP writes ~/.ssh/config with the alias "target" for the host, behind the jump host.
		"config": func(ts *testscript.TestScript, _ bool, args []string) {
			_, port, _ := strings.Cut(hosts[args[0]].Address, ":")
			text := "Host target\n  HostName 127.0.0.1\n  Port " + port + "\n  User ops\n  IdentityFile ~/other\n  ProxyJump ops@" +
				hosts[args[1]].Address + "\nHost 127.0.0.1\n  IdentityFile ~/other\n"
			ts.Check(os.WriteFile(filepath.Join(ts.Getenv("HOME"), ".ssh", "config"), []byte(text), 0o600))
		},
		// bundle DIR VERSION makes a bundle of another version of the stand-in.
		"bundle": func(ts *testscript.TestScript, _ bool, args []string) {
			ts.Check(os.Mkdir(ts.MkAbs(args[0]), 0o700))
			writeBundle(t, ts.MkAbs(args[0]), args[1])
		},
		// kubelet HOST NODE gives the host the certificate of that node's kubelet.
		"kubelet": func(ts *testscript.TestScript, _ bool, args []string) {
			file := hosts[args[0]].Path("/var/lib/rancher/k3s/agent/client-kubelet.crt")
			ts.Check(os.MkdirAll(filepath.Dir(file), 0o700))
			ts.Check(os.WriteFile(file, kubeletCertificate(t, args[1]), 0o600))
		},
		"context": func(ts *testscript.TestScript, _ bool, args []string) {
			config, err := clientcmd.LoadFromFile(ts.Getenv("KUBECONFIG"))
			ts.Check(err)
			if config.Contexts[args[0]] == nil {
				ts.Fatalf("there is no context %s", args[0])
			}
		},
	}
}

// known is the command "known HOST KEY": known_hosts holds that key of the host.
func (env *environment) known(t *testing.T, ts *testscript.TestScript, h *sshhost.Host, key string) {
	t.Helper()
	line := knownhosts.Line([]string{h.Address}, env.keys.Public(t, key))
	ts.Check(os.WriteFile(filepath.Join(ts.Getenv("HOME"), ".ssh", "known_hosts"), []byte(line+"\n"), 0o600))
}

// mode is the command "mode FILE MODE".
func mode(ts *testscript.TestScript, _ bool, args []string) {
	info, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	if got := strconv.FormatInt(int64(info.Mode().Perm()), 8); got != args[1] {
		ts.Fatalf("%s has the mode %s", args[0], got)
	}
}

const mostCommands = 40

// cutAll is the command "cutall HOST PROGRAM ARGS...": the program is run again and again, and each time its connection is cut at a later
// command, until a run gets through.
func cutAll(ts *testscript.TestScript, h *sshhost.Host, args []string) {
	for n := 1; n < mostCommands; n++ {
		ts.Check(os.WriteFile(h.Path("/commands"), []byte("0"), 0o600))
		ts.Check(os.WriteFile(h.Path("/cut"), []byte(strconv.Itoa(n)), 0o600))
		err := ts.Exec(args[0], args[1:]...)
		cuts, _ := os.ReadFile(h.Path("/cuts"))
		if strings.Count(string(cuts), "cut") < n {
			ts.Check(err)
			ts.Logf("%d cuts", n-1)
			ts.Check(os.Remove(h.Path("/cut")))
			return
		}
		if err == nil {
			ts.Fatalf("the run that was cut at command %d has succeeded", n)
		}
	}
	ts.Fatalf("the program never got through")
}
