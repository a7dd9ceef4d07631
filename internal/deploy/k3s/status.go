package k3s

import (
	"context"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
)

// Status implements [deploy.Target]. It also says until when the certificates of K3s are valid.
func (t *Target) Status(ctx context.Context) (*deploy.Status, error) {
	if err := t.Ready(); err != nil {
		return nil, err
	}
	s, err := t.Target.Status(ctx)
	if err != nil {
		return nil, err
	}
	s.Certificates, err = t.Certificates(ctx)
	return s, err
}
