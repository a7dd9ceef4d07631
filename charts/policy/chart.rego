# Rules for every rendering of the chart, whatever its values; conftest checks them in `make verify`.
package main

import rego.v1

workload(object) := object.spec.template.spec if object.kind in {"Deployment", "Job"}

named(object) := sprintf("%s %q", [object.kind, object.metadata.name])

cluster_scoped := {
	"ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "WorkspaceTier",
	"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding",
}

foreign := {"ExternalSecret", "ManagedCertificate", "Middleware"} # of extraObjects

deny contains sprintf("%s: no namespace", [named(input)]) if {
	not input.kind in cluster_scoped
	not input.kind in foreign
	not input.metadata.namespace
}

deny contains sprintf("%s: no label %s", [named(input), label]) if {
	not input.kind in foreign
	some label in ["app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/managed-by", "helm.sh/chart"]
	not input.metadata.labels[label]
}

# Pods: the restricted Pod Security Standard, and a read-only root file system.
deny contains sprintf("%s: pods must run as non-root with seccomp RuntimeDefault", [named(input)]) if {
	pod := workload(input)
	not restricted_pod(pod)
}

restricted_pod(pod) if {
	pod.securityContext.runAsNonRoot == true
	pod.securityContext.seccompProfile.type == "RuntimeDefault"
}

deny contains sprintf("%s: container %q may write, gain privileges or keep capabilities", [named(input), container.name]) if {
	some container in workload(input).containers
	not restricted_container(container.securityContext)
}

restricted_container(context) if {
	context.allowPrivilegeEscalation == false
	context.readOnlyRootFilesystem == true
	context.capabilities.drop == ["ALL"]
	not context.capabilities.add
}

deny contains sprintf("%s: container %q has no request or limit of %s", [named(input), container.name, resource]) if {
	some container in workload(input).containers
	some resource in ["cpu", "memory", "ephemeral-storage"]
	some bound in ["requests", "limits"]
	not container.resources[bound][resource]
}

deny contains sprintf("%s: the image %q has no fixed version", [named(input), container.image]) if {
	some container in workload(input).containers
	not regex.match(`@sha256:[0-9a-f]{64}$|:v?[0-9][^:/]*$`, container.image)
}

deny contains sprintf("%s: volume %q is a hostPath", [named(input), volume.name]) if {
	some volume in workload(input).volumes
	volume.hostPath
}

deny contains sprintf("%s: uses %s", [named(input), space]) if {
	pod := workload(input)
	some space in ["hostNetwork", "hostPID", "hostIPC"]
	pod[space]
}

# Rights: no wildcard, no privilege escalation, no cluster-wide Secrets.
roles := {"ClusterRole", "Role"}

deny contains sprintf("%s: a wildcard in %s", [named(input), field]) if {
	input.kind in roles
	some rule in input.rules
	some field in ["apiGroups", "resources", "verbs", "resourceNames"]
	contains(rule[field][_], "*")
}

deny contains sprintf("%s: may %s", [named(input), verb]) if {
	input.kind in roles
	some rule in input.rules
	some verb in rule.verbs
	verb in {"escalate", "impersonate"}
}

deny contains sprintf("%s: may bind any role", [named(input)]) if {
	input.kind in roles
	some rule in input.rules
	"bind" in rule.verbs
	not rule.resourceNames
}

deny contains sprintf("%s: may make tokens", [named(input)]) if {
	input.kind in roles
	some rule in input.rules
	"serviceaccounts/token" in rule.resources
}

deny contains sprintf("%s: may write WorkspaceTiers, which are the platform team's", [named(input)]) if {
	input.kind in roles
	some rule in input.rules
	some resource in rule.resources
	startswith(resource, "workspacetiers")
	some verb in rule.verbs
	not verb in {"get", "list", "watch"}
	[resource, verb] != ["workspacetiers/status", "patch"]
}

deny contains sprintf("%s: binds %q of somebody else", [named(input), input.roleRef.name]) if {
	input.kind in {"ClusterRoleBinding", "RoleBinding"}
	not contains(input.roleRef.name, input.metadata.labels["app.kubernetes.io/name"])
}

# Members never write what confines a workspace, puts pods on every node, or blocks drains. They only delete objects that operators with
# more rights act on.
tenant_role if {
	input.kind == "ClusterRole"
	contains(input.metadata.name, "-tenant-")
}

reading := {"get", "list", "watch"}

confining := {
	"roles", "rolebindings", "clusterroles", "clusterrolebindings", "resourcequotas", "limitranges", "networkpolicies", "namespaces",
	"serviceaccounts", "endpoints", "endpointslices", "bindings", "pods/binding", "pods/ephemeralcontainers", "pods/proxy",
	"services/proxy", "podtemplates", "daemonsets", "poddisruptionbudgets", "priorityclasses", "ingresses", "httproutes",
}

writable_groups := {"", "apps", "batch"}

deny contains sprintf("%s: members may %s %s", [named(input), verb, resource]) if {
	tenant_role
	some rule in input.rules
	some resource in rule.resources
	resource in confining
	some verb in rule.verbs
	not verb in reading
}

deny contains sprintf("%s: members may %s %s of %s", [named(input), verb, resource, group]) if {
	tenant_role
	some rule in input.rules
	some group in rule.apiGroups
	not group in writable_groups
	some resource in rule.resources
	not resource in confining
	some verb in rule.verbs
	not verb in reading | {"delete"}
}

# Policies fail closed.
deny contains sprintf("%s: fails open", [named(input)]) if {
	input.kind == "ValidatingAdmissionPolicy"
	input.spec.failurePolicy != "Fail"
}

# Exposure.
deny contains sprintf("%s: a Service of type NodePort is open on every node", [named(input)]) if {
	input.kind == "Service"
	input.spec.type == "NodePort"
}

deny contains sprintf("%s: a load balancer leads to the metrics", [named(input)]) if {
	input.kind == "Service"
	input.spec.type == "LoadBalancer"
	input.spec.ports[_].name == "metrics"
}

deny contains sprintf("%s: more than the signed routes", [named(input)]) if {
	input.kind == "Ingress"
	path := input.spec.rules[_].http.paths[_].path
	not path in {"/webhooks/workspace", "/provision"}
}
