package cli

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
)

// commands are those that scripts have besides testscript's own.
func commands() map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"code": harness.Code, "usage": usage, "apply": apply, "remove": remove, "delete": deleteCommand, "warned": warned,
		"reason": reason, "event": event,
		"contest": contest, "flyte": flyteCommand,
		"restart": restart, "slow": slow, "workspace-service": workspaceService,
		"follow": follow, "followed": followed, "page": page, "metric": metric, "logged": logged,
	}
}

// usage is the command "usage PROGRAM ARGS...": the program must refuse its arguments.
func usage(ts *testscript.TestScript, neg bool, args []string) {
	harness.Code(ts, neg, append([]string{"64"}, args...))
}

// apply is the command "apply FILE...": it applies an object, as kubectl does.
func apply(ts *testscript.TestScript, _ bool, files []string) {
	for _, file := range files {
		object := &unstructured.Unstructured{}
		ts.Check(yaml.Unmarshal([]byte(ts.ReadFile(file)), &object.Object))
		config := client.ApplyConfigurationFromUnstructured(object)
		ts.Check(shared.Env().Admin.Apply(context.Background(), config, client.FieldOwner("kubectl"), client.ForceOwnership))
	}
}

// named is the object of "[GROUP/VERSION/]KIND [NAMESPACE/]NAME".
func named(args []string) *metav1.PartialObjectMetadata {
	object := &metav1.PartialObjectMetadata{}
	kind := schema.GroupVersionKind{Version: "v1", Kind: args[0]}
	if parts := strings.Split(args[0], "/"); len(parts) == 3 {
		kind = schema.GroupVersionKind{Group: parts[0], Version: parts[1], Kind: parts[2]}
	}
	object.SetGroupVersionKind(kind)
	namespace, name, ok := strings.Cut(args[1], "/")
	if !ok {
		namespace, name = "", args[1]
	}
	object.SetNamespace(namespace)
	object.SetName(name)
	return object
}

// deleteCommand is the command "delete [GROUP/VERSION/]KIND [NAMESPACE/]NAME".
func deleteCommand(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(shared.Env().Admin.Delete(context.Background(), named(args)))
}

// remove is the command "remove KIND [NAMESPACE/]NAME": it takes the finalizers off an object and deletes it.
func remove(ts *testscript.TestScript, _ bool, args []string) {
	object := named(args)
	patch := client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`))
	ts.Check(shared.Env().Admin.Patch(context.Background(), object, patch))
	ts.Check(client.IgnoreNotFound(shared.Env().Admin.Delete(context.Background(), object)))
}

// reason is the command "reason ID REASON": it waits until a condition of the workspace has the reason.
func reason(ts *testscript.TestScript, _ bool, args []string) {
	if err := harness.Poll(context.Background(), func(ctx context.Context) bool { return hasReason(ctx, args[0], args[1]) }); err != nil {
		ts.Fatalf("workspace %s has no condition with reason %s: %v", args[0], args[1], err)
	}
}

func hasReason(ctx context.Context, id, reason string) bool {
	var w v1alpha1.Workspace
	if shared.Env().Admin.Get(ctx, harness.Key(id), &w) != nil {
		return false
	}
	for _, c := range w.Status.Conditions {
		if c.Reason == reason {
			return true
		}
	}
	return false
}

// warned is the command "warned NAMESPACE": it waits until there is a warning in the namespace.
func warned(ts *testscript.TestScript, _ bool, args []string) {
	err := harness.Poll(context.Background(), func(ctx context.Context) bool {
		var events corev1.EventList
		warnings := client.MatchingFields{"type": corev1.EventTypeWarning}
		return shared.Env().Admin.List(ctx, &events, client.InNamespace(args[0]), warnings) == nil && len(events.Items) > 0
	})
	if err != nil {
		ts.Fatalf("there is no warning in namespace %s: %v", args[0], err)
	}
}

// event is the command "event ID REASON": it waits until there is an Event about the workspace with the reason.
func event(ts *testscript.TestScript, _ bool, args []string) {
	err := harness.Poll(context.Background(), func(ctx context.Context) bool {
		var events corev1.EventList
		about := client.MatchingFields{"involvedObject.name": args[0], "reason": args[1]}
		return shared.Env().Admin.List(ctx, &events, client.InNamespace(metav1.NamespaceDefault), about) == nil && len(events.Items) > 0
	})
	if err != nil {
		ts.Fatalf("there is no Event %s about workspace %s: %v", args[1], args[0], err)
	}
}

// contestPause is the other client's between two changes.
const contestPause = 20 * time.Millisecond

// contest is the command "contest ID": it changes the NetworkPolicy of the workspace until the script ends, and waits until the service
// calls that Contested.
func contest(ts *testscript.TestScript, _ bool, args []string) {
	policy := &networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "flyte-" + args[0], Name: "workspace-isolation"}}
	open := client.RawPatch(types.MergePatchType, []byte(`{"spec":{"ingress":[{}]}}`))
	ctx, cancel := context.WithCancel(context.Background())
	var others sync.WaitGroup
	others.Go(func() {
		for again := time.Tick(contestPause); ctx.Err() == nil; <-again {
			_ = shared.Env().Admin.Patch(ctx, policy.DeepCopy(), open, client.FieldOwner("someone-else"))
		}
	})
	ts.Defer(others.Wait)
	ts.Defer(cancel)
	err := harness.Poll(ctx, func(ctx context.Context) bool { return hasReason(ctx, args[0], v1alpha1.ReasonContested) })
	if err != nil {
		ts.Fatalf("the NetworkPolicy of %s is not contested: %v", args[0], err)
	}
}

// flyteCommand is the command "flyte hang": Flyte takes calls and answers none, until the script ends.
func flyteCommand(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 || args[0] != "hang" {
		ts.Fatalf("usage: flyte hang")
	}
	ts.Defer(shared.Env().Flyte.Hang())
}

// restart is the command "restart VARIABLE=VALUE": the service runs with it until the script ends.
func restart(ts *testscript.TestScript, _ bool, args []string) {
	name, value, _ := strings.Cut(args[0], "=")
	runWith(ts, map[string]string{name: value}, map[string]string{name: ts.Getenv(name + "_BEFORE")})
}

// runWith runs the service with variables, and with others after the script.
func runWith(ts *testscript.TestScript, variables, after map[string]string) {
	start := func(variables map[string]string) {
		service := shared.Env().Service
		service.Stop()
		service.Configure(variables)
		ts.Check(service.Start(context.Background()))
	}
	start(variables)
	ts.Defer(func() { start(after) })
}
