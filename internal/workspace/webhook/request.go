package webhook

import (
	"bytes"
	"errors"
	"mime"
	"net/http"
	"strings"

	"github.com/labstack/echo/v5"

	"platform.company.com/workspace-flyte-integration/internal/workspace"
	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
)

// received is what is kept of a request when its body was verified and decoded.
type received struct {
	delivery workspace.Delivery
	// size is that of the body, in bytes.
	size int64
}

// verified reads the body within its bound, checks its signature, charges the request to its source, and only then has it
// decoded. decode must not keep the body. Nothing of an unsigned request is read further.
func (h *Handler) verified(c *echo.Context, decode func(body []byte) error) (received, error) {
	source := sourceOf(c.Request(), h.TrustedProxies)
	if err := h.overBudget(source, c.Request().Header); err != nil {
		return received{}, closing(c, err)
	}
	reader := h.reading.enter(http.NewResponseController(serverWriter(c.Response())))
	defer reader.release()
	body, message, err := h.authentic(c, reader)
	if err != nil {
		if limited := h.spend(source, unsigned); limited != nil {
			err = closing(c, limited)
		}
		return received{}, err
	}
	h.keys.count(message.Key())
	if err := h.spend(source, signed); err != nil {
		return received{}, err
	}
	if err := mustBeJSON(c.Request().Header); err != nil {
		return received{}, err
	}
	return received{delivery: workspace.NewDelivery(message.ID, body), size: int64(len(body))}, decode(body)
}

// closing ends the connection with the answer: the next attempt shall cost another one, and net/http need not read the
// rest of the body.
func closing(c *echo.Context, err error) error {
	c.Response().Header().Set("Connection", "close")
	return err
}

// authentic reads the body and checks its signature. All refusals of a signature are one answer.
func (h *Handler) authentic(c *echo.Context, reader *bodyReader) ([]byte, signature.Message, error) {
	body, err := reader.read(c)
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

// read reads the body, and is cut off when too many others want to be read.
func (b *bodyReader) read(c *echo.Context) ([]byte, error) {
	if c.Request().ContentLength > maxBody {
		b.leave()
		return nil, errTooLarge()
	}
	buffer, ok := b.reserve(c.Request().Context(), c.Request().ContentLength)
	if !ok {
		b.leave()
		return nil, newProblem(http.StatusServiceUnavailable, "")
	}
	body, err := readBody(c, buffer)
	if cut := b.leave(); cut && err != nil {
		return nil, newProblem(http.StatusServiceUnavailable, "")
	}
	return body, err
}

func errTooLarge() error {
	return newProblem(http.StatusRequestEntityTooLarge, "the body is larger than 256 KiB")
}

// readBody reads the body into the buffer, and no further than the bound.
func readBody(c *echo.Context, buffer *bytes.Buffer) ([]byte, error) {
	_, err := buffer.ReadFrom(http.MaxBytesReader(serverWriter(c.Response()), c.Request().Body, maxBody))
	if _, above := errors.AsType[*http.MaxBytesError](err); above {
		return nil, errTooLarge()
	}
	if err != nil {
		return nil, newProblem(http.StatusBadRequest, "the body could not be read")
	}
	return buffer.Bytes(), nil
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
