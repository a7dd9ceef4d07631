package webhook

import (
	"errors"
	"io"
	"mime"
	"net/http"

	"github.com/labstack/echo/v5"

	"platform.company.com/workspace-flyte-integration/internal/workspace"
	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
)

// verified reads the body within its bound and checks its signature. Nothing of a request that is not signed is looked
// at, and all refusals of that kind are one answer.
func (h *Handler) verified(c *echo.Context) ([]byte, signature.Message, error) {
	r := c.Request()
	body, err := io.ReadAll(http.MaxBytesReader(c.Response(), r.Body, maxBody))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, signature.Message{}, newProblem(http.StatusRequestEntityTooLarge, "the body is larger than 256 KiB")
	}
	if err != nil {
		return nil, signature.Message{}, newProblem(http.StatusBadRequest, "the body could not be read")
	}
	message, err := h.Verifier.Verify(r.Header, body)
	if err != nil {
		h.metrics.refuse(err)
		return nil, message, &workspace.Error{Kind: workspace.KindUnauthorized, Detail: signature.ErrInvalid.Error(), Err: err}
	}
	return body, message, mustBeJSON(r.Header)
}

// mustBeJSON refuses other media types, and every content coding: a compressed body has no bound.
func mustBeJSON(h http.Header) error {
	if h.Get("Content-Encoding") != "" {
		return newProblem(http.StatusUnsupportedMediaType, "the body must be sent without a content coding")
	}
	mediaType, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	charset := params["charset"]
	if err != nil || mediaType != "application/json" || charset != "" && charset != "utf-8" && charset != "UTF-8" {
		return newProblem(http.StatusUnsupportedMediaType, "the Content-Type must be application/json")
	}
	return nil
}
