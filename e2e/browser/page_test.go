package browser

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

func TestSignIn(t *testing.T) {
	t.Parallel()
	_, token := account(t, "signs-in", everything)
	b := newTab(t)
	b.open("/ui/workspaces?q=nothing")
	b.paste("half a token")
	b.shows("has a space or a line break in it")
	b.paste("eyJhbGciOiJub25lIn0.e30.x")
	b.shows("does not accept this token")
	b.paste(token + "\n")
	b.at("/ui/workspaces?q=nothing")
	b.shows("No workspace matches")
	b.shows("system:serviceaccount:platform-services:signs-in")
	if cookie := evaluate[string](b, "document.cookie"); cookie != "" {
		t.Errorf("scripts can read the cookie %.20s", cookie)
	}
	other := b.sibling()
	other.open("/ui/tiers")
	other.shows("Live")
	b.click(".session button")
	b.at("/ui/signin")
	other.awaits("the other tab to be signed out", `location.pathname === "/ui/signin"`)
}

func TestListFilterAndOpen(t *testing.T) {
	t.Parallel()
	env := shared.Env()
	for i := range 3 {
		data := harness.Data(fmt.Sprintf("listed-%d", i), 1)
		data.Name = []string{"Churn", "Forecast", "Fraud"}[i]
		env.Deliver(t, harness.NewMessage(t, workspace.EventCreated, data))
	}
	env.AwaitReason(t, "listed-2", v1alpha1.ReasonReady)
	_, token := account(t, "lists", everything)
	b := newTab(t)
	b.signIn("/ui/workspaces?q=listed", token)
	b.shows("3 workspaces match")
	b.mark()
	b.run(chromedp.Clear(chromedp.CSS("#q")), chromedp.SendKeys(chromedp.CSS("#q"), "listed-2"))
	b.shows("1 workspace matches")
	b.hides("Forecast")
	b.isMarked()
	b.awaits("the filter in the address", `location.search === "?q=listed-2"`)
	b.shows("Live")
	b.run(chromedp.NavigateBack())
	b.shows("3 workspaces match")
	b.shows("Overview") // the whole page
	b.click("thead th:first-child a")
	b.awaits("the reverse order", `document.querySelector("tbody th a").textContent === "listed-2"`)
	b.click("tbody th a")
	b.at("/ui/workspaces/listed-2")
	for _, text := range []string{
		"Fraud", "Ready", "flyte-listed-2", "ml-team", "CPU requests", "Pods of the same namespace",
		"FlyteProjectRegistered is True",
	} {
		b.shows(text)
	}
	b.capture("workspace")
}

// TestChangesShowWithoutReload: a workspace that can't be Ready shows why and what to do, and becomes Ready before somebody's eyes.
func TestChangesShowWithoutReload(t *testing.T) {
	t.Parallel()
	env := shared.Env()
	w := workspace.New("live")
	w.Spec.DisplayName, w.Spec.Tier = "Live", "gold"
	harness.Must(t, env.Admin.Create(t.Context(), w))
	env.AwaitReason(t, "live", v1alpha1.ReasonTierNotFound)
	_, token := account(t, "watches", everything)
	b := newTab(t)
	b.signIn("/ui/workspaces/live", token)
	b.shows("TierNotFound")
	b.shows("Create the tier, allow the workspace, or change its tier.")
	b.capture("failing")
	b.mark()
	env.Tier(t, "gold", func(*v1alpha1.WorkspaceTierSpec) {})
	b.hides("Create the tier")
	b.shows("Ready is True: Ready")
	b.click("details summary")
	env.Deliver(t, harness.NewMessage(t, workspace.EventSuspended, workspace.Data{WorkspaceID: "live", Version: 2}))
	b.awaits("the suspension", `document.querySelector("h1 .badge").textContent === "Suspended"`)
	b.awaits("the opened details to stay open", `document.querySelector("details").open`)
	b.isMarked()
	list := b.sibling()
	list.open("/ui/workspaces?q=created-live")
	list.shows("No workspace matches")
	list.shows("Live")
	list.mark()
	env.Deliver(t, harness.NewMessage(t, workspace.EventCreated, harness.Data("created-live", 1)))
	list.shows("Team created-live")
	list.awaits("it to be Ready", `document.querySelector(".badge.good")`)
	list.isMarked()
}

func TestConflictShowsItsRemedy(t *testing.T) {
	t.Parallel()
	env := shared.Env()
	env.CreateNamespace(t, "flyte-taken")
	env.Deliver(t, harness.NewMessage(t, workspace.EventCreated, harness.Data("taken", 1)))
	env.AwaitReason(t, "taken", v1alpha1.ReasonConflict)
	_, token := account(t, "remedies", everything)
	b := newTab(t)
	b.signIn("/", token)
	b.shows("somebody to act")
	b.capture("overview")
	b.click(`.card a[href="/ui/workspaces/taken"]`)
	b.shows(`"flyte-taken": it exists and is not labelled`)
	b.shows("Use another id, or hand it over with the label platform.company.com/workspace=ID")
}

// TestRefusal: somebody who may read one workspace sees this one, and nothing of the others.
func TestRefusal(t *testing.T) {
	t.Parallel()
	env := shared.Env()
	env.Create(t, harness.Data("mine", 1))
	env.Create(t, harness.Data("theirs", 1))
	_, token := account(t, "sees-one", rbacv1.PolicyRule{
		APIGroups: []string{"platform.company.com"}, Resources: []string{"workspaces"}, ResourceNames: []string{"mine"}, Verbs: []string{"get"},
	})
	b := newTab(t)
	b.open("/")
	b.paste(token)
	b.shows("You may not see this")
	b.run(chromedp.SendKeys(chromedp.CSS("#open-id"), "mine"))
	b.click(".inline button")
	b.at("/ui/workspaces/mine")
	b.shows("Team mine")
	b.shows("Your token may not read tiers")
	b.open("/ui/workspaces/theirs")
	b.shows("You may not see this")
	b.hides("Team theirs")
}

// TestExpiry: when the token ends, one navigation leads to the sign-in, and from there back.
func TestExpiry(t *testing.T) {
	t.Parallel()
	env := shared.Env()
	env.Create(t, harness.Data("expires", 1))
	first, token := account(t, "expires", everything)
	b := newTab(t)
	b.signIn("/ui/workspaces/expires", token)
	harness.Must(t, env.Admin.Delete(t.Context(), first))
	b.shows("Your session has ended")
	_, other := account(t, "expires-not", everything)
	b.paste(other)
	b.at("/ui/workspaces/expires")
	b.shows("Team expires")
	// The right can end, too.
	harness.Must(t, env.Admin.Delete(t.Context(), &rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: "expires-not"}}))
	b.shows("You may not see this")
	b.hides("Team expires")
}

// TestNamesAreNoMarkup: the page would fail the test with a dialog or a break of its policy.
func TestNamesAreNoMarkup(t *testing.T) {
	t.Parallel()
	env := shared.Env()
	data := harness.Data("markup", 1)
	data.Name = `<script>alert(1)</script>`
	data.Owner = `"><img src=x onerror=alert(2)>`
	env.Create(t, data)
	_, token := account(t, "reads-markup", everything)
	b := newTab(t)
	b.signIn("/ui/workspaces/markup", token)
	b.shows(data.Name)
	b.open("/ui/workspaces?q=markup")
	b.shows(data.Owner)
	env.Deliver(t, harness.NewMessage(t, workspace.EventSuspended, workspace.Data{WorkspaceID: "markup", Version: 2}))
	b.shows("Suspended")
	b.shows(data.Name) // also as it came over the stream
}

func TestKeyboardOnly(t *testing.T) {
	t.Parallel()
	env := shared.Env()
	env.Create(t, harness.Data("typed", 1))
	_, token := account(t, "types", everything)
	b := newTab(t)
	b.open("/ui/workspaces")
	b.run(chromedp.WaitVisible(chromedp.CSS("#token")))
	b.awaits("the focus on the token", `document.activeElement.id === "token"`)
	b.run(insert(token), chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(kb.Enter))
	b.shows("Live")
	b.run(chromedp.KeyEvent(kb.Tab))
	b.awaits("the first stop to skip the navigation", `document.activeElement.className === "skip"`)
	b.run(chromedp.KeyEvent(kb.Enter), chromedp.KeyEvent("/"))
	b.awaits("/ to focus the search", `document.activeElement.id === "q"`)
	b.run(chromedp.KeyEvent(kb.Backspace), chromedp.KeyEvent("typed")) // the browser's own keys would not type the /
	b.shows("1 workspace matches")
	b.awaits("the focus to stay", `document.activeElement.id === "q"`)
	for range 60 { // twice around: a change elsewhere may have moved the stops meanwhile
		b.run(chromedp.KeyEvent(kb.Tab))
		if evaluate[string](b, "document.activeElement.textContent") == "typed" {
			break
		}
	}
	b.run(chromedp.KeyEvent(kb.Enter))
	b.at("/ui/workspaces/typed")
	b.shows("Team typed")
}

// TestRestart: the page says that it is not live while the service is away, and is right afterwards without a reload. It runs alone.
func TestRestart(t *testing.T) {
	env := shared.Env()
	env.Create(t, harness.Data("restarted", 1))
	_, token := account(t, "waits", everything)
	b := newTab(t)
	b.signIn("/ui/workspaces/restarted", token)
	b.mark()
	env.Kill(t, func() {
		b.shows("Not live")
		w := harness.Get(t, env, &v1alpha1.Workspace{}, "", "restarted")
		before := w.DeepCopy()
		w.Spec.DisplayName = "Renamed meanwhile"
		harness.Must(t, env.Admin.Patch(t.Context(), w, client.MergeFrom(before)))
	})
	b.shows("Renamed meanwhile")
	b.awaits("the page to be live", `document.getElementById("status").textContent === "Live"`)
	b.isMarked()
	// A hidden tab has no stream.
	hide := `Object.defineProperty(document, "hidden", {value: %t, configurable: true}); document.dispatchEvent(new Event("visibilitychange"))`
	evaluate[bool](b, fmt.Sprintf(hide, true))
	b.awaits("the stream to end", `document.getElementById("status").textContent === "Not live"`)
	evaluate[bool](b, fmt.Sprintf(hide, false))
	b.awaits("the page to be live", `document.getElementById("status").textContent === "Live"`)
}
