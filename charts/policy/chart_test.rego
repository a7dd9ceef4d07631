package main

import rego.v1

metadata := {"name": "x", "namespace": "n", "labels": {
	"app.kubernetes.io/name": "x", "app.kubernetes.io/instance": "x",
	"app.kubernetes.io/managed-by": "Helm", "helm.sh/chart": "x-1",
}}

container := {
	"name": "c", "image": "registry/x:v1.2.0",
	"securityContext": {"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]}},
	"resources": {
		"requests": {"cpu": "1", "memory": "1", "ephemeral-storage": "1"},
		"limits": {"cpu": "1", "memory": "1", "ephemeral-storage": "1"},
	},
}

deployment(c, more) := {"kind": "Deployment", "metadata": metadata, "spec": {"template": {"spec": object.union({
	"securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}}, "containers": [c],
}, more)}}}

role(rule) := {"kind": "ClusterRole", "metadata": metadata, "rules": [rule]}

test_takes_what_is_right if {
	count(deny) == 0 with input as deployment(container, {})
	count(deny) == 0 with input as role({"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]})
}

test_refuses_pods if {
	count(deny) == 1 with input as deployment(container, {"hostNetwork": true})
	count(deny) == 1 with input as deployment(container, {"volumes": [{"name": "v", "hostPath": {"path": "/"}}]})
	count(deny) == 1 with input as deployment(container, {"securityContext": {"runAsNonRoot": false}})
	count(deny) == 1 with input as deployment(object.union(container, {"image": "registry:5000/x"}), {})
	count(deny) == 1 with input as deployment(object.union(container, {"image": "x:latest"}), {})
	count(deny) == 1 with input as deployment(object.union(container, {"securityContext": {"readOnlyRootFilesystem": false}}), {})
	count(deny) == 1 with input as deployment(object.union(container, {"securityContext": {"capabilities": {"add": ["NET_ADMIN"]}}}), {})
	count(deny) == 3 with input as deployment(object.union(object.remove(container, ["resources"]), {"resources": {"requests": container.resources.requests}}), {})
}

test_refuses_roles if {
	count(deny) == 1 with input as role({"apiGroups": [""], "resources": ["*"], "verbs": ["get"]})
	count(deny) == 1 with input as role({"apiGroups": [""], "resources": ["pods"], "verbs": ["escalate"]})
	count(deny) == 1 with input as role({"apiGroups": [""], "resources": ["clusterroles"], "verbs": ["bind"]})
	count(deny) == 1 with input as role({"apiGroups": [""], "resources": ["serviceaccounts/token"], "verbs": ["create"]})
	count(deny) == 1 with input as role({"apiGroups": ["p"], "resources": ["workspacetiers"], "verbs": ["patch"]})
	count(deny) == 1 with input as role({"apiGroups": ["p"], "resources": ["workspacetiers", "workspacetiers/status"], "verbs": ["patch"]})
	count(deny) == 1 with input as role({"apiGroups": ["p"], "resources": ["workspacetiers/status"], "verbs": ["update"]})
	count(deny) == 0 with input as role({"apiGroups": ["p"], "resources": ["workspacetiers/status"], "verbs": ["patch"]})
}

tenant_role_of(rule) := {"kind": "ClusterRole", "metadata": object.union(metadata, {"name": "x-tenant-editor"}), "rules": [rule]}

test_refuses_tenant_roles if {
	count(deny) == 0 with input as tenant_role_of({"apiGroups": ["apps"], "resources": ["deployments/scale"], "verbs": ["patch"]})
	count(deny) == 0 with input as tenant_role_of({"apiGroups": [""], "resources": ["resourcequotas"], "verbs": ["get", "list", "watch"]})
	count(deny) == 0 with input as tenant_role_of({"apiGroups": ["ray.io"], "resources": ["rayclusters"], "verbs": ["get", "delete"]})
	count(deny) == 1 with input as tenant_role_of({"apiGroups": [""], "resources": ["resourcequotas"], "verbs": ["patch"]})
	count(deny) == 1 with input as tenant_role_of({"apiGroups": ["apps"], "resources": ["daemonsets"], "verbs": ["create"]})
	count(deny) == 1 with input as tenant_role_of({"apiGroups": ["ray.io"], "resources": ["rayclusters"], "verbs": ["create"]})
	count(deny) == 1 with input as tenant_role_of({"apiGroups": [""], "resources": ["pods/ephemeralcontainers"], "verbs": ["patch"]})
}

test_refuses_policies_that_fail_open if {
	count(deny) == 0 with input as {"kind": "ValidatingAdmissionPolicy", "metadata": metadata, "spec": {"failurePolicy": "Fail"}}
	count(deny) == 1 with input as {"kind": "ValidatingAdmissionPolicy", "metadata": metadata, "spec": {"failurePolicy": "Ignore"}}
}

test_refuses_objects_without_a_home if {
	count(deny) == 1 with input as {"kind": "Service", "metadata": object.remove(metadata, ["namespace"])}
	count(deny) == 1 with input as {"kind": "Service", "metadata": object.union(object.remove(metadata, ["labels"]), {"labels": object.remove(metadata.labels, ["helm.sh/chart"])})}
}

test_refuses_ways_in if {
	count(deny) == 1 with input as {"kind": "Service", "metadata": metadata, "spec": {"type": "NodePort"}}
	count(deny) == 1 with input as {"kind": "Service", "metadata": metadata, "spec": {"type": "LoadBalancer", "ports": [{"name": "metrics"}]}}
	count(deny) == 1 with input as {"kind": "Ingress", "metadata": metadata, "spec": {"rules": [{"http": {"paths": [{"path": "/"}]}}]}}
	count(deny) == 1 with input as {"kind": "RoleBinding", "metadata": metadata, "roleRef": {"name": "cluster-admin"}}
}
