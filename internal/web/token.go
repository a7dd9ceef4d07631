package web

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"strings"
	"time"
)

// tokenExpiry returns when a JSON Web Token that the API server has accepted expires, or the zero time if it is no JSON Web Token or
// does not expire.
func tokenExpiry(token string) time.Time {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return time.Time{}
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return time.Time{}
	}
	var claims struct {
		Expiry float64 `json:"exp"`
	}
	if json.Unmarshal(payload, &claims) != nil || claims.Expiry <= 0 || claims.Expiry > math.MaxInt32*1000 {
		return time.Time{}
	}
	return time.Unix(int64(claims.Expiry), 0)
}
