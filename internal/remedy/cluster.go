package remedy

import "platform.company.com/workspace-flyte-integration/api/v1alpha1"

// cluster is about what the Kubernetes cluster refuses, lacks or changes.
func cluster() []Remedy { return append(inNamespaces(), requests()...) }

func inNamespaces() []Remedy {
	return []Remedy{
		{
			Reasons: []string{v1alpha1.ReasonPullSecretNotFound},
			Means:   "a pull secret of the tier is missing from `PULL_SECRETS_NAMESPACE` or has the wrong type",
			Do:      "`kubectl create secret docker-registry`, or remove it from the tier",
		},
		{
			Reasons: []string{v1alpha1.ReasonKindNotInstalled},
			Means:   "the cluster does not have the kind of an [object of the tier](tiers.md#objects); everything else is in place",
			Do:      "install the CRD: the service creates the object within 10 s. Or remove the object from the tier",
		},
		{
			Reasons: []string{v1alpha1.ReasonLabelNotFound},
			Means:   "an [object of the tier](tiers.md#objects) needs a label that the workspace does not have; everything else is in place",
			Do:      "set the label in `labels` of the workspace, or remove the placeholder from the tier",
		},
		{
			Reasons: []string{v1alpha1.ReasonNotEnforced},
			Means:   "the NetworkPolicies are in place, but the [network probe](security.md#pods) reached a pod that a policy closes",
			Do: "install a network plugin that enforces NetworkPolicies, or remove another policy that opens that pod; " +
				"checked every 10 s",
		},
		{
			Reasons: []string{v1alpha1.ReasonWaitingForNamespace},
			Means:   "the step needs namespaces that do not exist yet",
			Do:      "see the condition `NamespaceReady`",
		},
		{
			Reasons: []string{v1alpha1.ReasonNamespaceTerminating},
			Means:   "somebody deleted a namespace; the service recreates it afterwards",
			Do:      "`kubectl get namespace NAME -o yaml` shows what blocks it",
		},
		{
			Reasons: []string{v1alpha1.ReasonObjectTerminating},
			Means:   "somebody deleted the named object and a finalizer keeps it; it grants nothing more",
			Do:      "let the finalizer's owner finish, or remove the finalizer",
		},
	}
}

func requests() []Remedy {
	return []Remedy{
		{
			Reasons: []string{v1alpha1.ReasonContested},
			Means: "another client keeps changing the named object, so repairs are throttled, at most to one in 10 to 20 s; " +
				"or a webhook or policy changes it during the write",
			Do: "find the client in the managed fields (`-o yaml --show-managed-fields`), or with " +
				"`kubectl get mutatingwebhookconfigurations`; exempt namespaces labelled `platform.company.com/workspace`",
		},
		{
			Reasons: []string{v1alpha1.ReasonForbidden},
			Means:   "the API server refuses the service's account",
			Do: "compare its ClusterRole with the chart's, or the named policy with " +
				"[security.md](security.md#a-stolen-token-of-the-service)",
		},
		{
			Reasons: []string{v1alpha1.ReasonRejected},
			Means:   "an admission webhook or policy refuses the object; the message says why",
			Do:      "change the policy, or the tier",
		},
		{
			Reasons: []string{v1alpha1.ReasonKubernetesUnavailable},
			Means:   "the API server or an admission webhook does not answer; retried within 30 s",
			Do:      "repair the webhook that the message names, or exempt workspace namespaces",
		},
	}
}
