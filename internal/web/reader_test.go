package web_test

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// reader is a client.Reader over objects in memory. It counts its calls.
type reader struct {
	workspaces []v1alpha1.Workspace
	tiers      []v1alpha1.WorkspaceTier
	quotas     map[string]corev1.ResourceQuota // by namespace, or namespace and name
	events     []eventsv1.Event
	selector   string // of the last list of Events
	fault      error
	hangs      bool // until the context ends
	calls      atomic.Int64
}

func (r *reader) Get(ctx context.Context, key client.ObjectKey, into client.Object, _ ...client.GetOption) error {
	r.calls.Add(1)
	if r.hangs {
		<-ctx.Done()
		return ctx.Err()
	}
	if r.fault != nil {
		return r.fault
	}
	switch o := into.(type) {
	case *v1alpha1.Workspace:
		for i := range r.workspaces {
			if r.workspaces[i].Name == key.Name {
				r.workspaces[i].DeepCopyInto(o)
				return nil
			}
		}
	case *v1alpha1.WorkspaceTier:
		for i := range r.tiers {
			if r.tiers[i].Name == key.Name {
				r.tiers[i].DeepCopyInto(o)
				return nil
			}
		}
	}
	return apierrors.NewNotFound(schema.GroupResource{Resource: "objects"}, key.Name)
}

func (r *reader) List(ctx context.Context, into client.ObjectList, options ...client.ListOption) error {
	r.calls.Add(1)
	if r.hangs {
		<-ctx.Done()
		return ctx.Err()
	}
	switch l := into.(type) {
	case *v1alpha1.WorkspaceList:
		l.Items = r.workspaces
	case *v1alpha1.WorkspaceTierList:
		l.Items = r.tiers
	case *corev1.ResourceQuotaList:
		o := (&client.ListOptions{}).ApplyOptions(options)
		for key, quota := range r.quotas {
			if namespace, name, _ := strings.Cut(key, "/"); namespace == o.Namespace {
				quota.Name = cmp.Or(name, "workspace-quota")
				l.Items = append(l.Items, quota)
			}
		}
	case *eventsv1.EventList:
		o := (&client.ListOptions{}).ApplyOptions(options)
		r.selector, l.Items = o.Namespace+" "+o.FieldSelector.String(), r.events
	default:
		return errors.New("a kind that is not expected")
	}
	return r.fault
}

// at is a time some seconds after the first workspace was created.
func at(seconds int) metav1.Time {
	return metav1.NewTime(time.Date(2026, 11, 20, 8, 41, seconds, 0, time.UTC))
}

// ready returns a workspace whose condition Ready has this reason.
func ready(id string, created int, status metav1.ConditionStatus, reason string) v1alpha1.Workspace {
	w := v1alpha1.Workspace{ObjectMeta: metav1.ObjectMeta{Name: id, CreationTimestamp: at(created)}}
	w.Spec = v1alpha1.WorkspaceSpec{DisplayName: "Workspace", Tier: "standard", State: v1alpha1.StateActive, Version: 1, StateVersion: 1}
	w.Status.Namespaces = []string{"flyte-" + id}
	w.Status.Conditions = []metav1.Condition{
		{Type: v1alpha1.ConditionReady, Status: status, Reason: reason, Message: "message", LastTransitionTime: at(created + 1)},
	}
	return w
}

// fraud is a workspace with everything that can be shown.
func fraud() v1alpha1.Workspace {
	w := ready("fraud", 0, metav1.ConditionTrue, v1alpha1.ReasonReady)
	w.Annotations = map[string]string{
		v1alpha1.AnnotationDeliveries: `[{"id":"msg_2","hash":"secret-hash"},{"id":"msg_1","hash":"secret-hash"}]`,
	}
	w.Spec.DisplayName, w.Spec.Description, w.Spec.Owner = "Fraud detection", "Card fraud models", "ana@company.com"
	w.Spec.Quota = v1alpha1.Quota{CPU: "40"}
	w.Spec.Members = []v1alpha1.Member{{Kind: v1alpha1.MemberGroup, Name: "ml-team", Role: v1alpha1.RoleEditor}}
	w.Spec.Labels = map[string]v1alpha1.LabelValue{"cost-center": "42"}
	w.Spec.Version, w.Spec.StateVersion = 8, 7
	w.Status.Tier, w.Status.ProjectID = "standard", "fraud"
	w.Status.Reported = &v1alpha1.Reported{Version: 8, Status: "ready", Reason: "Ready", Digest: "secret-hash", Time: at(9)}
	w.Status.Deletion = &v1alpha1.WorkspaceDeletion{
		Policy: v1alpha1.DeletionDelete, RequestedAt: at(10), PurgeAt: new(at(20)),
		Namespaces: []v1alpha1.NamespaceReference{{Name: "flyte-fraud", UID: "1"}},
	}
	return w
}
