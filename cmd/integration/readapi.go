package main

import (
	"cmp"
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/k8s"
	"platform.company.com/workspace-flyte-integration/internal/web"
	"platform.company.com/workspace-flyte-integration/internal/workspace/desired"
	"platform.company.com/workspace-flyte-integration/internal/workspace/webhook"
)

// The values of API_AUTH.
const (
	apiAuthKubernetes = "kubernetes"
	apiAuthNone       = "none"
)

// readAPI limits its clients by the addresses that the handler of webhooks sees. ctx ends when the process begins to stop.
func (s *service) readAPI(ctx context.Context, handler *webhook.Handler) (*web.ReadAPI, error) {
	var authorizer web.Authorizer = web.NewTokenAuthorizer(web.KubernetesReviewer{Client: s.mgr.GetClient()}, time.Now)
	if s.cfg.APIAuth == apiAuthNone {
		s.log.Info("API_AUTH=none: everyone who reaches the service can read all workspaces and tiers")
		authorizer = web.NewOpen(s.cfg.PublicURL)
	}
	feed, err := s.feed(ctx)
	if err != nil {
		return nil, err
	}
	queues, err := s.readQueues()
	if err != nil {
		return nil, err
	}
	return web.NewReadAPI(web.Options{
		Queues: queues,
		Cached: s.mgr.GetClient(), Live: s.mgr.GetAPIReader(), Authorizer: authorizer, ChargeRead: handler.ChargeRead,
		Naming: s.cfg.naming, Objects: s.objects, ConsoleURL: s.consoleURL, DomainURLs: s.domainURLs, PublicURL: s.cfg.PublicURL,
		Feed: feed, Draining: ctx.Done(), Disconnected: webhook.Disconnected, Client: handler.Client,
	}), nil
}

// feed has the changes of workspaces and tiers.
func (s *service) feed(ctx context.Context) (*web.Feed, error) {
	feed := web.NewFeed()
	for resource, kind := range map[string]client.Object{
		web.ResourceWorkspaces: &v1alpha1.Workspace{}, web.ResourceTiers: &v1alpha1.WorkspaceTier{},
	} {
		informer, err := s.mgr.GetCache().GetInformer(ctx, kind, cache.BlockUntilSynced(false))
		if err != nil {
			return nil, fmt.Errorf("watching %s for streams: %w", resource, err)
		}
		if _, err := informer.AddEventHandler(feedOf(feed, resource)); err != nil {
			return nil, fmt.Errorf("watching %s for streams: %w", resource, err)
		}
	}
	return feed, nil
}

// feedOf adds each changed object to the feed. A relist brings updates of unchanged objects, which it drops.
func feedOf(feed *web.Feed, resource string) toolscache.ResourceEventHandler {
	add := func(object any) {
		if name, err := toolscache.DeletionHandlingMetaNamespaceKeyFunc(object); err == nil { // both kinds have no namespace
			feed.Add(web.Change{Resource: resource, Name: name})
		}
	}
	return toolscache.ResourceEventHandlerFuncs{
		AddFunc: add, DeleteFunc: add,
		UpdateFunc: func(old, updated any) {
			before, _ := old.(metav1.Object)
			after, ok := updated.(metav1.Object)
			if ok && before != nil && before.GetResourceVersion() != after.GetResourceVersion() {
				add(updated)
			}
		},
	}
}

// objects are those in a namespace of a workspace, for the read API.
func (s *service) objects(ctx context.Context, id, namespace string) ([]web.Object, error) {
	owned, err := k8s.ListOwned(ctx, s.mgr.GetClient(), id, namespace, desired.Makes)
	if s.objectKinds != nil && len(owned) > 0 { // the namespace is the workspace's
		ofTier, errOfTier := s.objectKinds.ListOwned(ctx, namespace)
		owned, err = append(owned, ofTier...), cmp.Or(err, errOfTier)
	}
	objects := make([]web.Object, len(owned))
	for i, o := range owned {
		objects[i] = web.Object{ObjectRef: web.ObjectRef{Kind: o.Kind, Namespace: o.Namespace, Name: o.Name}, Terminating: o.Terminating}
	}
	return objects, err
}
