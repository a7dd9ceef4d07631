package browser

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"platform.company.com/workspace-flyte-integration/e2e/harness"
)

// tab is a tab of the browser, with cookies of its own.
type tab struct {
	t   *testing.T
	ctx context.Context //nolint:containedctx // chromedp keeps the tab in it
}

// patience is how long a test waits for the page.
const patience = 30 * time.Second

// newTab opens a tab. The test fails if the page breaks its policy, runs a script of somebody else, or has an error in its own.
func newTab(t *testing.T) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(chromium, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	b := &tab{t, ctx}
	b.complainOf()
	return b
}

// sibling opens another tab with the same cookies.
func (b *tab) sibling() *tab {
	b.t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx)
	b.t.Cleanup(cancel)
	other := &tab{b.t, ctx}
	other.complainOf()
	return other
}

// complainOf fails the test if the page breaks its policy, opens a dialog, or has an error in its scripts.
func (b *tab) complainOf() {
	b.t.Helper()
	harness.Must(b.t, chromedp.Do(b.ctx))
	harness.Must(b.t, chromedp.Listen(b.ctx, func(event any) {
		switch e := event.(type) {
		case page.EventJavascriptDialogOpening:
			b.t.Errorf("the page opened a dialog: %s", e.Message)
		case runtime.EventExceptionThrown:
			b.t.Errorf("a script failed: %+v", e.ExceptionDetails)
		case log.EventEntryAdded:
			if strings.Contains(e.Entry.Text, "Content Security Policy") {
				b.t.Errorf("the page breaks its policy: %s", e.Entry.Text)
			}
		}
	}))
}

func (b *tab) run(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.capture("failed")
		b.t.Fatalf("in the browser, at %s: %v\n%s", b.location(), err, b.text())
	}
}

func (b *tab) open(path string) {
	b.t.Helper()
	b.run(chromedp.Navigate(shared.Env().Service.URL + path))
}

// text is what people see of the page.
func (b *tab) text() string {
	text, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.body ? document.body.innerText : ""`))
	return text
}

// evaluate returns the value of a JavaScript expression, which may be a promise.
func evaluate[T any](b *tab, expression string) (value T) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	harness.Must(b.t, err)
	return value
}

func (b *tab) location() string {
	location, _ := chromedp.Run(b.ctx, chromedp.Location())
	return strings.TrimPrefix(location, shared.Env().Service.URL)
}

// awaits waits until a JavaScript expression is true.
func (b *tab) awaits(what, expression string) {
	b.t.Helper()
	err := harness.Poll(b.ctx, func(ctx context.Context) bool {
		is, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("Boolean("+expression+")"))
		return err == nil && is
	})
	if err != nil {
		b.capture("failed")
		b.t.Fatalf("waiting for %s, at %s: %v\n%s", what, b.location(), err, b.text())
	}
}

// shows waits until people see this text.
func (b *tab) shows(text string) {
	b.t.Helper()
	b.awaits(fmt.Sprintf("%q", text), fmt.Sprintf("document.body && document.body.innerText.includes(%q)", text))
}

// hides waits until people do not see this text.
func (b *tab) hides(text string) {
	b.t.Helper()
	b.awaits(fmt.Sprintf("no %q", text), fmt.Sprintf("document.body && !document.body.innerText.includes(%q)", text))
}

// at waits until the tab is at this path.
func (b *tab) at(path string) {
	b.t.Helper()
	b.awaits("the address "+path, fmt.Sprintf("location.pathname + location.search === %q", path))
}

// mark marks the document, and isMarked says that no other one was loaded since.
func (b *tab) mark() {
	b.t.Helper()
	evaluate[bool](b, `window.marked = true`)
}

func (b *tab) isMarked() {
	b.t.Helper()
	if !evaluate[bool](b, `window.marked === true`) {
		b.t.Error("the page was loaded again")
	}
}

// signIn opens a page, and signs in with a token where the page leads to.
func (b *tab) signIn(path, token string) {
	b.t.Helper()
	b.open(path)
	b.paste(token)
	b.at(path)
	b.shows("Live")
}

func (b *tab) paste(token string) {
	b.t.Helper()
	b.run(chromedp.WaitVisible(chromedp.ID("token")), chromedp.SetValue(chromedp.ID("token"), token))
	b.click("button.primary")
}

// click clicks an element as a script does: where a mouse's click leads to another page, the browser may never acknowledge it.
func (b *tab) click(selector string) {
	b.t.Helper()
	b.run(chromedp.WaitVisible(chromedp.CSS(selector)))
	evaluate[bool](b, fmt.Sprintf("document.querySelector(%q).click() || true", selector))
}

// insert enters a text at the cursor, as pasting does.
func insert(text string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, input.InsertText, input.InsertTextParams{Text: text})
		return err
	})
}

// look changes the size of the window and the colours.
func (b *tab) look(width int64, scheme string) {
	b.t.Helper()
	b.run(chromedp.EmulateViewport(width, 900), chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		features := []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: features})
		return err
	}))
}

// capture writes a picture of the page into the directory $SCREENSHOTS, if there is one.
func (b *tab) capture(name string) {
	dir := os.Getenv("SCREENSHOTS")
	if dir == "" {
		return
	}
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		b.t.Logf("taking a screenshot: %v", err)
		return
	}
	file := filepath.Join(dir, strings.ReplaceAll(b.t.Name(), "/", "-")+"-"+name+".png")
	if err := os.WriteFile(file, picture, 0o600); err != nil { //nolint:gosec // who runs the tests names the directory
		b.t.Logf("writing a screenshot: %v", err)
	}
}
