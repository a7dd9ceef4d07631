package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

const (
	showInterval = 50 * time.Millisecond
	showTimeout  = time.Minute
)

// showWorkspaces prints the workspaces when all samples are Ready. After showTimeout it prints their conditions and fails.
func showWorkspaces(ctx context.Context, cfg *rest.Config, out io.Writer) error {
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return fmt.Errorf("registering the types of Workspaces: %w", err)
	}
	cluster, err := client.New(cfg, client.Options{Scheme: scheme})
	if err != nil {
		return fmt.Errorf("creating a client: %w", err)
	}
	files, err := samples.ReadDir("samples")
	if err != nil {
		return fmt.Errorf("reading the samples: %w", err)
	}
	var all v1alpha1.WorkspaceList
	waited := wait.PollUntilContextTimeout(ctx, showInterval, showTimeout, true, func(ctx context.Context) (bool, error) {
		if err := cluster.List(ctx, &all); err != nil {
			return false, err
		}
		return countReady(&all) >= len(files), nil
	})
	if err := printTable(out, &all); err != nil {
		return err
	}
	if waited != nil {
		return fmt.Errorf("waiting for the workspaces: %w", waited)
	}
	return nil
}

func countReady(all *v1alpha1.WorkspaceList) int {
	ready := 0
	for i := range all.Items {
		if all.Items[i].ReadyCondition().Reason == v1alpha1.ReasonReady {
			ready++
		}
	}
	return ready
}

func printTable(out io.Writer, all *v1alpha1.WorkspaceList) error {
	table := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "WORKSPACE\tTIER\tREADY\tNAMESPACES\tCONSOLE")
	for i := range all.Items {
		w := &all.Items[i]
		ready := "Unknown"
		if c := meta.FindStatusCondition(w.Status.Conditions, v1alpha1.ConditionReady); c != nil {
			ready = fmt.Sprintf("%s (%s)", c.Status, c.Reason)
		}
		namespaces := strings.Join(w.Status.Namespaces, ", ")
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", w.Name, w.Spec.Tier, ready, namespaces, w.Status.ConsoleURL)
	}
	return table.Flush()
}
