//go:build linux

package docker

import (
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"github.com/rogpeppe/go-internal/testscript"

	"platform.company.com/workspace-flyte-integration/e2e/harness"
)

// engineOf is a client of the host's engine.
func engineOf(t *testing.T, socket string) *client.Client {
	t.Helper()
	engine, err := client.New(client.WithHost("unix://" + socket))
	harness.Must(t, err)
	t.Cleanup(func() { _ = engine.Close() })
	return engine
}

// commands are those that scripts have besides testscript's own.
func (env *environment) commands(t *testing.T, h *host) map[string]func(*testscript.TestScript, bool, []string) {
	t.Helper()
	engine := engineOf(t, h.Path("/run/docker.sock"))
	return map[string]func(*testscript.TestScript, bool, []string){
		"code": harness.Code,
		// owned FILE MODE UID: a file of the host, which a pattern names.
		"owned": func(ts *testscript.TestScript, _ bool, args []string) { owned(ts, h.Path(args[0]), args[1], args[2]) },
		// inspect CONTAINER PATTERN: what the engine says of a container matches.
		"inspect": func(ts *testscript.TestScript, neg bool, args []string) {
			c, err := engine.ContainerInspect(t.Context(), args[0], client.ContainerInspectOptions{})
			ts.Check(err)
			if regexp.MustCompile(args[1]).Match(c.Raw) == neg {
				ts.Fatalf("the engine says of %s: %s", args[0], c.Raw)
			}
		},
		// has KIND NAME: the host has a container, a volume, a network or an image.
		"has": func(ts *testscript.TestScript, neg bool, args []string) {
			if err := find(t.Context(), engine, args[0], args[1]); (err == nil) == neg {
				ts.Fatalf("%s %s: %v", args[0], args[1], err)
			}
		},
		// derive IMAGE BASE INSTRUCTION: an image of the host that differs from another one.
		"derive": func(ts *testscript.TestScript, _ bool, args []string) { derive(t.Context(), ts, engine, args) },
		// certificate writes tls.crt and tls.key.
		"certificate": func(ts *testscript.TestScript, _ bool, _ []string) { certificate(ts) },
		// forget IMAGE: the host no longer has it.
		"forget": func(ts *testscript.TestScript, _ bool, args []string) {
			_, err := engine.ImageRemove(t.Context(), args[0], client.ImageRemoveOptions{Force: true, PruneChildren: true})
			ts.Check(err)
		},
		// answers ADDRESS: something listens there.
		"answers": func(ts *testscript.TestScript, neg bool, args []string) {
			c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", args[0])
			if err == nil {
				_ = c.Close()
			}
			if (err == nil) == neg {
				ts.Fatalf("%s: %v", args[0], err)
			}
		},
		// await container NAME, or await line FILE PATTERN.
		"await": func(ts *testscript.TestScript, _ bool, args []string) {
			harness.Eventually(t, strings.Join(args, " "), func(ctx context.Context) bool {
				if args[0] == "container" {
					return find(ctx, engine, args[0], args[1]) == nil
				}
				text, _ := os.ReadFile(ts.MkAbs(args[1]))
				return regexp.MustCompile(args[2]).Match(text)
			})
		},
		"nosecret": noSecret,
	}
}

func owned(ts *testscript.TestScript, path, mode, uid string) {
	info, err := os.Stat(path)
	ts.Check(err)
	stat, ok := info.Sys().(*syscall.Stat_t)
	if got := fmt.Sprintf("%o", info.Mode().Perm()); !ok || got != mode || fmt.Sprint(stat.Uid) != uid {
		ts.Fatalf("%s has the mode %s and the owner %d", path, got, stat.Uid)
	}
}

func find(ctx context.Context, engine *client.Client, kind, name string) (err error) {
	switch kind {
	case "container":
		_, err = engine.ContainerInspect(ctx, name, client.ContainerInspectOptions{})
	case "volume":
		_, err = engine.VolumeInspect(ctx, name, client.VolumeInspectOptions{})
	case "network":
		_, err = engine.NetworkInspect(ctx, name, client.NetworkInspectOptions{})
	default:
		_, err = engine.ImageInspect(ctx, name)
	}
	return err
}

func derive(ctx context.Context, ts *testscript.TestScript, engine *client.Client, args []string) {
	created, err := engine.ContainerCreate(ctx, client.ContainerCreateOptions{Config: &container.Config{Image: args[1]}})
	ts.Check(err)
	_, err = engine.ContainerCommit(ctx, created.ID, client.ContainerCommitOptions{Reference: args[0], Changes: args[2:]})
	ts.Check(err)
	_, err = engine.ContainerRemove(ctx, created.ID, client.ContainerRemoveOptions{})
	ts.Check(err)
}

// noSecret is the command "nosecret FILE...": no program of the script has printed what is in the files, nor the same in base64.
func noSecret(ts *testscript.TestScript, _ bool, args []string) {
	printed := ts.ReadFile("printed")
	if printed == "" {
		ts.Fatalf("nothing was printed")
	}
	for _, file := range args {
		for secret := range strings.FieldsSeq(ts.ReadFile(file)) {
			for _, form := range []string{secret, strings.TrimPrefix(secret, "whsec_"), base64.StdEncoding.EncodeToString([]byte(secret))} {
				if len(form) > 7 && strings.Contains(printed, form) {
					ts.Fatalf("a program has printed a secret of %s", file)
				}
			}
		}
	}
}
