package deploy

import (
	"fmt"
	"time"
)

const (
	provisionTimeout = 25 * time.Second // the service's default
	// Drain is how long the service may take to end after the longest request.
	Drain = 20 * time.Second
)

// StopTimeout is above the longest request of a service with these variables, so that a replica that is replaced answers it.
func StopTimeout(environment map[string]string) (time.Duration, error) {
	timeout := provisionTimeout
	if text := environment["PROVISION_TIMEOUT"]; text != "" {
		var err error
		if timeout, err = time.ParseDuration(text); err != nil {
			return 0, fmt.Errorf("--env PROVISION_TIMEOUT: %w", err)
		}
	}
	return timeout + Drain, nil
}
