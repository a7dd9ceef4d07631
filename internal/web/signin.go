package web

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v5"

	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// signInForm is what the page of the sign-in shows.
type signInForm struct {
	// next is the page to open afterwards.
	next string
	// problem says why the last try failed, ended that a session has ended.
	problem string
	ended   bool
	// insecure says that a token must not be sent over this connection.
	insecure bool
}

// localPath returns the path of a page of this service, or "/" for anything else: a link must not lead to another host.
func localPath(next string) string {
	u, err := url.Parse(next)
	switch {
	case err != nil, u.Scheme != "", u.Host != "", u.Opaque != "", strings.ContainsAny(next, "\\\r\n\t"):
		return "/"
	case u.Path != "/" && !strings.HasPrefix(u.Path, "/ui/"), strings.Contains(u.Path, "//"), strings.Contains(u.Path, ".."):
		return "/"
	case strings.HasPrefix(u.Path, "/ui/sign"), strings.HasPrefix(u.Path, "/ui/live/"):
		return "/"
	}
	return (&url.URL{Path: u.Path, RawQuery: u.RawQuery}).String()
}

// showSignIn shows the form.
func (p *Page) showSignIn(c *echo.Context) error {
	v := p.newVisit(c)
	if p.identifier == nil {
		return c.Redirect(http.StatusSeeOther, v.base+"/")
	}
	form := signInForm{next: localPath(c.QueryParam("next")), ended: c.QueryParam("ended") != "", insecure: p.cookieName(v.Request) == ""}
	return p.answer(c, v, http.StatusOK, signInPage(v, form))
}

// signIn checks a token, keeps it in a cookie, and opens the page that was asked for.
func (p *Page) signIn(c *echo.Context) error {
	v := p.newVisit(c)
	r := c.Request()
	if err := p.checkPost(c); err != nil {
		return p.fail(c, v, err)
	}
	form := signInForm{next: localPath(r.PostFormValue("next")), insecure: p.cookieName(r) == ""}
	token, problem := pastedToken(r.PostFormValue("token"))
	if form.problem = problem; problem != "" || form.insecure {
		return p.answer(c, v, http.StatusUnprocessableEntity, signInPage(v, form))
	}
	switch err := p.checkToken(r, token); {
	case workspace.KindOf(err) == workspace.KindUnauthorized:
		form.problem = "The cluster does not accept this token: it has expired, is for another cluster or another audience, or was deleted."
		return p.answer(c, v, http.StatusUnauthorized, signInPage(v, form))
	case err != nil:
		return p.fail(c, v, err)
	}
	p.setSession(c.Response(), r, token)
	return c.Redirect(http.StatusSeeOther, v.base+form.next)
}

// checkToken asks the cluster whose token this is.
func (p *Page) checkToken(r *http.Request, token string) error {
	asked := r.Clone(r.Context())
	asked.Header.Set("Authorization", "Bearer "+token)
	_, err := p.identifier.Identify(asked)
	return err
}

// signOut forgets the token, and ends the streams of the session.
func (p *Page) signOut(c *echo.Context) error {
	v := p.newVisit(c)
	if err := p.checkPost(c); err != nil {
		return p.fail(c, v, err)
	}
	if v.hasCookie {
		p.api.live.streams.endSession(sessionOf(v.Request))
	}
	if p.cookieName(v.Request) != "" {
		p.setSession(c.Response(), v.Request, "")
	}
	return c.Redirect(http.StatusSeeOther, v.base+signInPath)
}

// checkPost refuses forms of other sites, and bounds the body. A browser always says where a form comes from.
func (p *Page) checkPost(c *echo.Context) error {
	r := c.Request()
	if err := p.api.ChargeRead(r); err != nil {
		return limited()
	}
	foreign := &workspace.Error{Kind: workspace.KindForbidden, Detail: "the form was sent from another site"}
	if r.Header.Get("Origin") == "" && r.Header.Get("Sec-Fetch-Site") == "" {
		return foreign
	}
	if err := p.origins.Check(r); err != nil {
		return foreign
	}
	r.Body = http.MaxBytesReader(c.Response(), r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return &workspace.Error{Kind: workspace.KindMalformed, Detail: "the form can't be read, or is larger than 32 KiB"}
	}
	return nil
}

// describedBy names the elements that describe the field of the token.
func describedBy(f signInForm) string {
	if f.problem != "" {
		return "problem hint"
	}
	return "hint"
}
