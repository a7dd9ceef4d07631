package browser

import (
	"context"
	_ "embed"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// axe finds what keeps people with disabilities from using a page. hack/web-assets.txt has its version.
//
//go:embed testdata/axe.min.js
var axe string

// violation is a rule that the page breaks.
type violation struct {
	ID, Help string
	Nodes    []struct{ HTML, FailureSummary string }
}

// TestEverybodyCanUseThePages runs axe-core on each page: in light colours on a desktop, and in dark ones on a phone.
func TestEverybodyCanUseThePages(t *testing.T) {
	t.Parallel()
	env := shared.Env()
	env.Create(t, harness.Data("accessible", 1))
	w := workspace.New("accessible-not")
	w.Spec.DisplayName, w.Spec.Tier = "Fails", "missing"
	harness.Must(t, env.Admin.Create(t.Context(), w))
	env.AwaitReason(t, "accessible-not", v1alpha1.ReasonTierNotFound)
	_, token := account(t, "uses-axe", everything)
	b := newTab(t)
	b.open("/ui/signin")
	b.accessible("sign-in")
	b.signIn("/", token)
	for name, path := range map[string]string{
		"overview": "/", "list": "/ui/workspaces", "nothing": "/ui/workspaces?q=no-such-thing", "workspace": "/ui/workspaces/accessible",
		"failing": "/ui/workspaces/accessible-not", "tiers": "/ui/tiers", "tier": "/ui/tiers/standard", "missing": "/ui/workspaces/no-such",
	} {
		b.open(path)
		b.awaits("the content", `document.getElementById("live")`)
		b.accessible(name)
	}
}

func (b *tab) accessible(name string) {
	b.t.Helper()
	for scheme, width := range map[string]int64{"light": 1180, "dark": 390} {
		b.look(width, scheme)
		b.capture(name + "-" + scheme)
		b.bypassPolicy(true)
		evaluate[int](b, axe+";0")
		found := evaluate[[]violation](b, `axe.run().then(r => r.violations)`)
		b.bypassPolicy(false)
		for _, v := range found {
			for _, node := range v.Nodes {
				b.t.Errorf("%s, %s: %s (%s): %s\n%s", name, scheme, v.Help, v.ID, node.HTML, node.FailureSummary)
			}
		}
		if evaluate[bool](b, `document.documentElement.scrollWidth > innerWidth`) {
			b.t.Errorf("%s, %s: the page is wider than the window", name, scheme)
		}
	}
}

// bypassPolicy lets the test run axe-core in the page.
func (b *tab) bypassPolicy(enabled bool) {
	b.t.Helper()
	b.run(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, page.SetBypassCSP, page.SetBypassCSPParams{Enabled: enabled})
		return err
	}))
}
