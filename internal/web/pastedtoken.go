package web

import (
	"fmt"
	"strings"
)

// tokenCharacters are those of a bearer token (RFC 6750). All of them may stand in a cookie.
const tokenCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/="

// pastedToken returns the token in what somebody pasted, or says what is wrong with it.
func pastedToken(text string) (token, problem string) {
	token = strings.TrimSpace(text)
	if scheme, rest, _ := strings.Cut(token, " "); strings.EqualFold(scheme, "Bearer") {
		token = strings.TrimSpace(rest)
	}
	switch {
	case token == "":
		return "", "Paste a token."
	case strings.ContainsAny(token, " \t\r\n"):
		return "", "The token has a space or a line break in it. Copy it in one piece, and nothing else."
	case len(token) > maxToken:
		return "", fmt.Sprintf("The token is %d bytes long, and a browser keeps at most %d. Use a token of a ServiceAccount "+
			"(kubectl create token), or a proxy that sends the header Authorization.", len(token), maxToken)
	case strings.ContainsFunc(token, func(r rune) bool { return !strings.ContainsRune(tokenCharacters, r) }):
		return "", "This is no token: it has characters that no token has. A token looks like eyJhbGciOi… and has no quotes around it."
	}
	return token, ""
}
