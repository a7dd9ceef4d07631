package webhook

import (
	"mime"
	"net/http"
	"strings"

	"github.com/labstack/echo/v5"

	"platform.company.com/workspace-flyte-integration/internal/workspace"
	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
)

// received is what a handler keeps of a request after its body was verified and decoded.
type received struct {
	delivery workspace.Delivery
	// size is that of the body, in bytes.
	size int64
}

// receive reads the body within its bound, verifies its signature, charges the client, and only then decodes the body. decode
// must not keep the body. Nothing more is read of an unsigned request.
func (h *Handler) receive(c *echo.Context, a *attempt, decode func(body []byte, mediaType string) error) (received, error) {
	client := clientOf(c.Request(), h.TrustedProxies)
	if err := h.checkRate(client, c.Request().Header); err != nil {
		return received{}, closing(c, err)
	}
	reader := h.readers.add(http.NewResponseController(serverWriter(c.Response())))
	defer reader.release()
	body, message, err := h.verify(c, reader)
	if err != nil {
		if limited := h.charge(client, unsigned); limited != nil {
			return received{}, closing(c, limited)
		}
		h.traceUnsigned(a, c)
		return received{}, err
	}
	a.delivery = message.ID
	h.keys.count(message.Key())
	if err := h.charge(client, signed); err != nil {
		return received{}, err
	}
	a.traceSigned(c)
	mediaType, err := checkMediaType(c.Request().Header)
	if err != nil {
		return received{}, err
	}
	return received{delivery: workspace.NewDelivery(message.ID, body, h.Now()), size: int64(len(body))}, decode(body, mediaType)
}

// closing closes the connection with the answer: a client that goes on needs a new one, and net/http need not read the rest of
// the body.
func closing(c *echo.Context, err error) error {
	c.Response().Header().Set("Connection", "close")
	return err
}

// verify reads the body and verifies its signature. The answer is the same for every refused signature.
func (h *Handler) verify(c *echo.Context, reader *bodyReader) ([]byte, signature.Message, error) {
	body, err := reader.read(c)
	if err != nil {
		return nil, signature.Message{}, err
	}
	message, err := h.Verifier.Verify(c.Request().Header, body)
	if err != nil {
		h.metrics.observeRefusal(err)
		err = &workspace.Error{Kind: workspace.KindUnauthorized, Detail: signature.ErrInvalid.Error(), Err: err}
	}
	return body, message, err
}

// The media types of a body: an event as JSON, and one as a CloudEvent in structured mode.
const (
	mediaJSON       = "application/json"
	mediaCloudEvent = "application/cloudevents+json"
)

// checkMediaType returns the media type of the body. It accepts JSON and CloudEvents alone, and no content coding but identity: a
// compressed body has no bound. The attributes of a CloudEvent in binary mode would be headers, which are not signed.
func checkMediaType(h http.Header) (mediaType string, err error) {
	for _, codings := range h.Values("Content-Encoding") {
		for coding := range strings.SplitSeq(codings, ",") {
			if coding = strings.TrimSpace(coding); coding != "" && !strings.EqualFold(coding, "identity") {
				return "", newProblem(http.StatusUnsupportedMediaType, "the body must be sent without a content coding")
			}
		}
	}
	if h.Get("Ce-Specversion") != "" {
		return "", newProblem(http.StatusUnsupportedMediaType,
			"CloudEvents are accepted in structured mode alone: the headers of the binary mode are not signed")
	}
	if types := h.Values("Content-Type"); len(types) == 1 {
		mediaType = mediaTypeInUTF8(types[0])
	}
	if mediaType != mediaJSON && mediaType != mediaCloudEvent {
		return "", newProblem(http.StatusUnsupportedMediaType, "the Content-Type must be "+mediaJSON+" or "+mediaCloudEvent)
	}
	return mediaType, nil
}

// mediaTypeInUTF8 returns the media type without parameters, or "" if it has another charset than UTF-8, also as the common misspelling
// utf8.
func mediaTypeInUTF8(contentType string) string {
	mediaType, params, err := mime.ParseMediaType(contentType)
	charset, given := params["charset"]
	isUTF8 := strings.EqualFold(charset, "utf-8") || strings.EqualFold(charset, "utf8")
	if err != nil || given && !isUTF8 {
		return ""
	}
	return mediaType
}
