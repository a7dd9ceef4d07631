package ssh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
)

// ErrSudo says that the user may not become root.
var ErrSudo = errors.New("sudo refused")

// sudo is how scripts become root.
type sudo struct {
	prefix   string
	password string
}

// BecomeRoot finds out how scripts become root: as root already, by sudo without a password, or with this one, which password is asked
// for then.
func (c *Client) BecomeRoot(ctx context.Context, password func() (string, error)) error {
	var answer strings.Builder
	probe := `sh -c 'if [ "$(id -u)" = 0 ]; then echo root; elif sudo -n true 2>/dev/null; then echo sudo; else echo password; fi'`
	if err := c.run(ctx, probe, nil, func(line string) { answer.WriteString(line) }); err != nil {
		return fmt.Errorf("finding out how to become root: %w", err)
	}
	switch answer.String() {
	case "root":
		return nil
	case "sudo":
		c.sudo = sudo{prefix: "sudo -n "}
		return nil
	}
	return c.sudoWith(ctx, password)
}

// sudoWith makes scripts become root with a password, once sudo has accepted it.
func (c *Client) sudoWith(ctx context.Context, password func() (string, error)) error {
	text, err := password()
	if err != nil {
		return err
	}
	// -k makes sudo read the password in any case, so that it never remains for the script.
	c.sudo = sudo{prefix: "sudo -S -k -p '' ", password: text + "\n"}
	if err := c.run(ctx, c.sudo.prefix+"true", strings.NewReader(c.sudo.password), func(string) {}); err != nil {
		c.sudo = sudo{}
		return fmt.Errorf("%w the password, or the user may not use it: %w", ErrSudo, err)
	}
	return nil
}

// Script runs a script of sh as root, with whatever login shell the user has. Arguments become $1, $2 and so on; stdin may be nil. The
// script is passed as an argument, and secrets never are: they come by stdin.
func (c *Client) Script(ctx context.Context, script string, stdin io.Reader, lines func(string), args ...string) error {
	words := []string{c.sudo.prefix + decodeAndRun, encode(script)}
	for _, arg := range args {
		words = append(words, quote(arg))
	}
	if stdin == nil {
		stdin = strings.NewReader("")
	}
	return c.run(ctx, strings.Join(words, " "), io.MultiReader(strings.NewReader(c.sudo.password), stdin), lines)
}

// Output runs a script as Script does, and returns what it prints.
func (c *Client) Output(ctx context.Context, script string, args ...string) (string, error) {
	var out strings.Builder
	err := c.Script(ctx, script, nil, func(line string) { out.WriteString(line + "\n") }, args...)
	return out.String(), err
}

// encoding writes what shells read differently between single quotes as printf's %b reads it: csh wants no line to end there, and fish has
// escapes.
var encoding = strings.NewReplacer("\n", `\0012`, "'", `\0047`, `\`, `\0134`, "!", `\0041`)

// decodeAndRun is the command that runs an encoded script with the arguments after it.
const decodeAndRun = `sh -c 'script=$(printf %b "$1"); shift; eval "$script"' sh`

// encode makes a script one word of any login shell, for printf %b.
func encode(script string) string { return "'" + encoding.Replace(script) + "'" }

// quote makes a text of one line one word of any login shell.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// keptLines is how much of the output an error repeats.
const keptLines = 5

// lineWriter splits output into lines, and keeps the last ones.
type lineWriter struct {
	mu    sync.Mutex
	lines func(string)
	open  []byte
	last  []string
}

// Write implements [io.Writer].
func (w *lineWriter) Write(text []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open = append(w.open, text...)
	for {
		before, after, ok := strings.Cut(string(w.open), "\n")
		if !ok {
			return len(text), nil
		}
		w.open = []byte(after)
		w.line(strings.TrimRight(before, "\r"))
	}
}

func (w *lineWriter) line(text string) {
	w.lines(text)
	w.last = append(w.last, text)
	if len(w.last) > keptLines {
		w.last = w.last[1:]
	}
}

func (w *lineWriter) flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.open) > 0 {
		w.line(string(w.open))
		w.open = nil
	}
}

func (w *lineWriter) tail() string { return strings.Join(w.last, "; ") }
