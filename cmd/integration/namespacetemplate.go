package main

import (
	"context"
	"fmt"
	"strings"

	"sigs.k8s.io/controller-runtime/pkg/manager"

	"platform.company.com/workspace-flyte-integration/internal/workspace/lifecycle"
)

// maxNamed is how many workspaces an error names.
const maxNamed = 100

// misconfiguration is a configuration that does not suit the workspaces in the cluster. It begins with the variable's name.
type misconfiguration string

func (m misconfiguration) Error() string { return string(m) }

// electAfterSync takes part in the leader election when the caches have synced, and fails if NAMESPACE_TEMPLATE would give
// workspaces other namespaces than they have.
func (s *service) electAfterSync(elect manager.Runnable) manager.Runnable {
	return manager.RunnableFunc(func(ctx context.Context) error {
		if !s.mgr.GetCache().WaitForCacheSync(ctx) {
			return nil // the process is about to stop
		}
		if err := s.checkNamespaceTemplate(ctx); err != nil {
			return err
		}
		if s.objectKinds != nil {
			s.objectKinds.AwaitFirst(ctx)
		}
		s.synced.Store(true)
		return elect.Start(ctx)
	})
}

func (s *service) checkNamespaceTemplate(ctx context.Context) error {
	moved, err := lifecycle.NamespacesThatWouldChange(ctx, s.mgr.GetCache(), s.cfg.naming)
	if err != nil || len(moved) == 0 {
		return err
	}
	if more := len(moved) - maxNamed; more > 0 {
		moved = append(moved[:maxNamed], fmt.Sprintf("and %d more", more))
	}
	s.misconfigured = misconfiguration(fmt.Sprintf(
		"NAMESPACE_TEMPLATE: the template, the prefix or the domains have changed, so that workspaces would get other namespaces:\n%s",
		strings.Join(moved, "\n")))
	return s.misconfigured
}
