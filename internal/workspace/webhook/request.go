package webhook

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/labstack/echo/v5"

	"platform.company.com/workspace-flyte-integration/internal/workspace"
	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
)

// verified reads the body within its bound, checks its signature, and charges the request to its source. Nothing of a
// request that is not signed is looked at.
func (h *Handler) verified(c *echo.Context) ([]byte, signature.Message, error) {
	source := sourceOf(c.Request(), h.TrustedProxies)
	body, message, err := h.authentic(c)
	if err != nil {
		if limited := h.spend(source, unsigned); limited != nil {
			c.Response().Header().Set("Connection", "close") // the next attempt shall cost a connection
			err = limited
		}
		return nil, message, err
	}
	h.keys.count(message.Key())
	if err := h.spend(source, signed); err != nil {
		return nil, message, err
	}
	return body, message, mustBeJSON(c.Request().Header)
}

// authentic reads the body and checks its signature. All refusals of a signature are one answer.
func (h *Handler) authentic(c *echo.Context) ([]byte, signature.Message, error) {
	body, err := h.body(c)
	if err != nil {
		return nil, signature.Message{}, err
	}
	message, err := h.Verifier.Verify(c.Request().Header, body)
	if err != nil {
		h.metrics.refuse(err)
		err = &workspace.Error{Kind: workspace.KindUnauthorized, Detail: signature.ErrInvalid.Error(), Err: err}
	}
	return body, message, err
}

// body reads the body, and is cut off when too many others want to be read.
func (h *Handler) body(c *echo.Context) ([]byte, error) {
	r := h.reading.enter(http.NewResponseController(serverWriter(c.Response())))
	body, err := readBody(c)
	if cut := h.reading.leave(r); cut && err != nil {
		return nil, newProblem(http.StatusServiceUnavailable, "")
	}
	return body, err
}

// readBody reads no further than the bound, and nothing at all of a body that says itself that it is larger.
func readBody(c *echo.Context) ([]byte, error) {
	tooLarge := newProblem(http.StatusRequestEntityTooLarge, "the body is larger than 256 KiB")
	r := c.Request()
	if r.ContentLength > maxBody {
		return nil, tooLarge
	}
	body, err := io.ReadAll(http.MaxBytesReader(serverWriter(c.Response()), r.Body, maxBody))
	if _, above := errors.AsType[*http.MaxBytesError](err); above {
		return nil, tooLarge
	}
	if err != nil {
		return nil, newProblem(http.StatusBadRequest, "the body could not be read")
	}
	return body, nil
}

// serverWriter is net/http's own writer. Only that one learns from a MaxBytesReader that the connection ends here; told
// nothing, the server would read on before it answers.
func serverWriter(w http.ResponseWriter) http.ResponseWriter {
	if r, err := echo.UnwrapResponse(w); err == nil {
		return r.ResponseWriter
	}
	return w
}

// mustBeJSON refuses other media types, and every content coding but identity: a compressed body has no bound.
func mustBeJSON(h http.Header) error {
	for _, codings := range h.Values("Content-Encoding") {
		for coding := range strings.SplitSeq(codings, ",") {
			if coding = strings.TrimSpace(coding); coding != "" && !strings.EqualFold(coding, "identity") {
				return newProblem(http.StatusUnsupportedMediaType, "the body must be sent without a content coding")
			}
		}
	}
	if types := h.Values("Content-Type"); len(types) != 1 || !isJSON(types[0]) {
		return newProblem(http.StatusUnsupportedMediaType, "the Content-Type must be application/json")
	}
	return nil
}

// isJSON takes the charset UTF-8 under its common misspelling, too.
func isJSON(contentType string) bool {
	mediaType, params, err := mime.ParseMediaType(contentType)
	charset, given := params["charset"]
	isUTF8 := strings.EqualFold(charset, "utf-8") || strings.EqualFold(charset, "utf8")
	return err == nil && mediaType == "application/json" && (!given || isUTF8)
}
