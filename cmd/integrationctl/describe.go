package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// describer is the command "describe".
type describer struct {
	streams genericiooptions.IOStreams
	cluster *cluster
}

func newDescribeCommand(streams genericiooptions.IOStreams) *cobra.Command {
	d := &describer{streams: streams}
	c := &cobra.Command{
		Use:   "describe workspace ID",
		Short: "Say what is wrong with a workspace, what to do, and all the rest",
		Long: `Say what is wrong with a workspace and what to do about it, as docs/operations.md says of the reason. Then show everything
else: spec, conditions, quotas with what is used, members, deletion, reports, and Events.`,
		Example: `  integrationctl describe workspace ws-001`,
		Args:    cobra.ExactArgs(2),
		RunE:    d.run,
	}
	d.cluster = newCluster(c)
	c.ValidArgsFunction = d.complete
	return c
}

func (d *describer) complete(c *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return []string{"workspace"}, cobra.ShellCompDirectiveNoFileComp
	}
	return d.cluster.completeWorkspace(c, args[1:], toComplete)
}

func (d *describer) run(c *cobra.Command, args []string) error {
	of, err := parseKind(args[0])
	if err != nil || of.plural != "workspaces" {
		return usagef("describe shows workspaces: %s", c.UseLine())
	}
	kube, w, err := d.cluster.open(c.Context(), args[1])
	if err != nil {
		return err
	}
	return d.describe(c.Context(), kube, w)
}

// description is a workspace with what belongs to it. What could not be read is in problems.
type description struct {
	*v1alpha1.Workspace

	now      time.Time
	quotas   []quota
	events   []corev1.Event // about the workspace, the newest first
	warnings []corev1.Event // about objects in its namespaces, the newest first
	problems []string
}

// quota is a ResourceQuota of one namespace: for all pods, or for those of a priority class.
type quota struct {
	namespace, class string
	corev1.ResourceQuotaStatus
}

// resource names what an amount of the quota bounds.
func (q *quota) resource(name corev1.ResourceName) string {
	if q.class == "" {
		return string(name)
	}
	return fmt.Sprintf("%s (priority class %s)", name, q.class)
}

// quotasOf are the ResourceQuotas of the workspace in a namespace. The first is for all pods; its status is empty if there is none.
func quotasOf(ctx context.Context, kube client.Client, namespace string) (quotas []quota, err error) {
	quotas = []quota{{namespace: namespace}}
	var all corev1.ResourceQuotaList
	err = kube.List(ctx, &all, client.InNamespace(namespace))
	for i := range all.Items {
		class, isOfClass := strings.CutPrefix(all.Items[i].Name, v1alpha1.PriorityQuotaPrefix)
		switch {
		case isOfClass:
			quotas = append(quotas, quota{namespace, class, all.Items[i].Status})
		case all.Items[i].Name == quotaName:
			quotas[0].ResourceQuotaStatus = all.Items[i].Status
		}
	}
	return quotas, err
}

func (d *describer) describe(ctx context.Context, kube client.Client, w *v1alpha1.Workspace) error {
	shown := &description{Workspace: w, now: time.Now()}
	shown.read(ctx, kube)
	p := newPage(d.streams.Out)
	shown.writeVerdict(p)
	shown.writeSpec(p)
	shown.writeMembers(p)
	shown.writeConditions(p)
	shown.writeQuotas(p)
	shown.writeDeletion(p)
	shown.writeReports(p)
	shown.writeEvents(p)
	for _, problem := range shown.problems {
		fmt.Fprintln(d.streams.ErrOut, problem)
	}
	return p.flush()
}

func (d *description) read(ctx context.Context, kube client.Client) {
	var err error
	if d.events, err = readEvents(ctx, kube, metav1.NamespaceDefault, aboutWorkspace(d.Name), maxEventsShown); err != nil {
		d.problems = append(d.problems, "Events are missing: "+err.Error())
	}
	for _, namespace := range namespacesOf(ctx, kube, d.Workspace) {
		quotas, err := quotasOf(ctx, kube, namespace)
		if err != nil {
			d.problems = append(d.problems, "a quota is missing: "+err.Error())
		}
		d.quotas = append(d.quotas, quotas...)
		warnings, err := warningsIn(ctx, kube, namespace, d.now)
		if err != nil {
			d.problems = append(d.problems, "warnings are missing: "+err.Error())
		}
		d.warnings = append(d.warnings, warnings...)
	}
}
