package main

import (
	"context"
	"fmt"
	"strings"

	"sigs.k8s.io/controller-runtime/pkg/manager"

	"platform.company.com/workspace-flyte-integration/internal/workspace/lifecycle"
)

// maxMoved bounds how many workspaces an error names.
const maxMoved = 100

// misconfiguration is a configuration that can't be right for what is in the cluster. It begins with the variable's name.
type misconfiguration string

func (m misconfiguration) Error() string { return string(m) }

// lead takes part in the election as soon as the caches have synced, but never under a template by which workspaces would
// get other namespaces than they have: until it is right, nothing is reconciled and the replica is not ready.
func (s *service) lead(elect manager.Runnable) manager.Runnable {
	return manager.RunnableFunc(func(ctx context.Context) error {
		if !s.mgr.GetCache().WaitForCacheSync(ctx) {
			return nil // the process is about to stop
		}
		if err := s.checkTemplate(ctx); err != nil {
			return err
		}
		s.synced.Store(true)
		return elect.Start(ctx)
	})
}

func (s *service) checkTemplate(ctx context.Context) error {
	moved, err := lifecycle.NamespacesThatWouldChange(ctx, s.mgr.GetCache(), s.cfg.naming)
	if err != nil || len(moved) == 0 {
		return err
	}
	if more := len(moved) - maxMoved; more > 0 {
		moved = append(moved[:maxMoved], fmt.Sprintf("and %d more", more))
	}
	s.refused = misconfiguration(fmt.Sprintf(
		"NAMESPACE_TEMPLATE: it, the prefix or the domains were changed, which would move workspaces:\n%s",
		strings.Join(moved, "\n")))
	return s.refused
}
