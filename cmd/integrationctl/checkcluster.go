package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/crd"
)

// checkRights checks the user's own rights, for the commands of this program.
func (e *examination) checkRights(ctx context.Context) []finding {
	var lacking []string
	for _, r := range rights(e.installed.namespace) {
		review := authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &r}}
		if err := e.kube.Create(ctx, &review); err != nil {
			return []finding{unreadable("rights", err)}
		}
		if !review.Status.Allowed {
			lacking = append(lacking, strings.TrimSuffix(r.Verb+" "+r.Resource+"/"+r.Subresource, "/"))
		}
	}
	if len(lacking) == 0 {
		return []finding{passed("rights", "you may read and change workspaces, and read what the service uses")}
	}
	return []finding{warned("rights", "you may not "+strings.Join(lacking, ", "),
		"some commands and checks fail: ask an administrator, or act as somebody else with --as or --context")}
}

// rights are what the commands need, with the service in a namespace.
func rights(namespace string) []authorizationv1.ResourceAttributes {
	group := v1alpha1.GroupVersion.Group
	return []authorizationv1.ResourceAttributes{
		{Verb: "get", Group: group, Resource: "workspaces"},
		{Verb: "list", Group: group, Resource: "workspaces"},
		{Verb: "watch", Group: group, Resource: "workspaces"},
		{Verb: "patch", Group: group, Resource: "workspaces"},
		{Verb: "list", Group: group, Resource: "workspacetiers"},
		{Verb: "list", Resource: "events", Namespace: "default"},
		{Verb: "get", Resource: "configmaps", Namespace: namespace},
		{Verb: "get", Resource: "secrets", Namespace: namespace},
		{Verb: "get", Group: "apps", Resource: "deployments", Namespace: namespace},
		{Verb: "get", Group: "coordination.k8s.io", Resource: "leases", Namespace: namespace},
		{Verb: "create", Resource: "pods", Subresource: "portforward", Namespace: namespace},
	}
}

func (e *examination) checkCRDs(ctx context.Context) []finding {
	const check = "CRDs"
	_, err := e.api.ServerResourcesForGroupVersionWithContext(ctx, v1alpha1.GroupVersion.String())
	if apierrors.IsNotFound(err) {
		return []finding{failed(check, "the cluster has no "+v1alpha1.GroupVersion.String(),
			"install the chart, or `kubectl apply --server-side -f charts/workspace-flyte-integration/crds`")}
	}
	missing, err := crd.MissingFields(ctx, e.api.OpenAPIV3WithContext(ctx))
	switch {
	case err != nil:
		return []finding{unreadable(check, err)}
	case len(missing) > 0:
		return []finding{failed(check, "the cluster's CRDs lack "+strings.Join(missing, ", ")+": the API server drops these fields",
			"upgrade the CRDs, as docs/chart.md#upgrades says")}
	}
	return []finding{passed(check, "the cluster has every field of this version")}
}

// policies are the ValidatingAdmissionPolicies of the chart: of the release, and of all releases together.
func policies(release string) []string {
	const all = "workspace-flyte-integration"
	return []string{
		release + "-namespaces", release + "-objects", release + "-workspaces", release + "-events", release + "-leases",
		all + "-tenant-services", all + "-tenant-secrets", all + "-tenant-pods", all + "-tier-in-use",
	}
}

func (e *examination) checkPolicies(ctx context.Context) []finding {
	const check = "policies"
	var found admissionregistrationv1.ValidatingAdmissionPolicyList
	var bindings admissionregistrationv1.ValidatingAdmissionPolicyBindingList
	for _, err := range []error{e.kube.List(ctx, &found), e.kube.List(ctx, &bindings)} {
		if err != nil {
			return []finding{unreadable(check, err)}
		}
	}
	missing := slices.DeleteFunc(policies(e.installed.release), func(name string) bool {
		return slices.ContainsFunc(found.Items, func(p admissionregistrationv1.ValidatingAdmissionPolicy) bool { return p.Name == name }) &&
			slices.ContainsFunc(bindings.Items, func(b admissionregistrationv1.ValidatingAdmissionPolicyBinding) bool { return denies(b, name) })
	})
	if len(missing) > 0 {
		return []finding{warned(check, "missing, or bound to nothing: "+strings.Join(missing, ", "),
			"install the chart with its values `policies`; without them a stolen token of the service, or a member, may do more: docs/security.md")}
	}
	return []finding{passed(check, "all %d ValidatingAdmissionPolicies deny what they should", len(policies(e.installed.release)))}
}

func denies(b admissionregistrationv1.ValidatingAdmissionPolicyBinding, policy string) bool {
	return b.Spec.PolicyName == policy && slices.Contains(b.Spec.ValidationActions, admissionregistrationv1.Deny)
}

func (e *examination) checkTiers(context.Context) []finding {
	const check = "tiers"
	var names, missing []string
	for i := range e.tiers {
		names = append(names, e.tiers[i].Name)
	}
	for i := range e.workspaces {
		if tier := e.workspaces[i].Spec.Tier; !slices.Contains(names, tier) && !slices.Contains(missing, tier) {
			missing = append(missing, tier)
		}
	}
	switch {
	case !slices.Contains(names, v1alpha1.DefaultTier):
		return []finding{failed(check, fmt.Sprintf("the default tier %q does not exist", v1alpha1.DefaultTier),
			"create it, or install the chart with its value tiers.standard: workspaces that name no tier are on it")}
	case len(missing) > 0:
		return []finding{failed(check, "workspaces are on tiers that do not exist: "+strings.Join(missing, ", "),
			"create these tiers, or change the workspaces: `"+programName+" get workspaces --not-ready`")}
	}
	return []finding{passed(check, "%s", strings.Join(names, ", "))}
}
