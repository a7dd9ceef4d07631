package desired_test

import (
	corev1 "k8s.io/api/core/v1"
)

// passage is a flow, and the settings under which it gets through.
type passage struct {
	flow
	under setting
}

func overTCP(from, to endpoint, port int32, under setting) passage {
	return passage{flow{from, to, corev1.ProtocolTCP, port}, under}
}

func overUDP(from, to endpoint, port int32, under setting) passage {
	return passage{flow{from, to, corev1.ProtocolUDP, port}, under}
}

const never setting = 0

func passages() map[string]passage {
	pod, mate, stranger := in("flows-a", "10.1.0.1", nil), in("flows-a", "10.1.0.2", nil), in("flows-b", "10.1.0.3", nil)
	pod6, stranger6 := in("flows-a", "fd12::1", nil), in("flows-b", "fd12::3", nil)
	team, like := in("team", "10.1.0.8", nil), in("flows-b", "10.1.0.10", withLabel("k8s-app", "kube-dns"))
	return map[string]passage{
		"a pod to another of its namespace":        overTCP(pod, mate, 8080, everySetting),
		"a pod to itself":                          overUDP(pod, pod, 8080, everySetting),
		"a pod to another workspace":               overTCP(pod, stranger, 8080, never),
		"a pod to another workspace over IPv6":     overTCP(pod6, stranger6, 8080, never),
		"another workspace to a pod":               overTCP(stranger, pod, 8080, never),
		"another namespace to a pod":               overTCP(team, pod, 8080, never),
		"the world to a pod":                       overTCP(at("93.184.215.14"), pod, 443, never),
		"a node to a pod":                          overTCP(at("10.0.0.5"), pod, 10250, never),
		"the world":                                overTCP(pod, at("93.184.215.14"), 443, everySetting),
		"the world over IPv6":                      overTCP(pod6, at("2606:2800:21f::1"), 443, everySetting),
		"the world by NAT64":                       overTCP(pod6, at("64:ff9b::5db8:d70e"), 443, everySetting),
		"a pod of another namespace to the world":  overTCP(team, at("93.184.215.14"), 443, everySetting),
		"a pod that has labels to one of its own":  overTCP(in("flows-a", "10.1.0.9", withLabel("a", "b")), mate, 22, everySetting),
		"a labelled stranger to a pod":             overTCP(like, pod, 53, never),
		"a host that has the address of a pod's":   overTCP(at("10.1.0.2"), pod, 8080, never),
		"SCTP, which nobody has thought of, there": {flow{stranger, pod, corev1.ProtocolSCTP, 1}, never},
	}
}

func passagesToDNS() map[string]passage {
	pod, team := in("flows-a", "10.1.0.1", nil), in("team", "10.1.0.8", nil)
	dns := in("kube-system", "10.1.0.4", withLabel("k8s-app", "kube-dns"))
	openshift := in("openshift-dns", "10.1.0.11", withLabel("dns.operator.openshift.io/daemonset-dns", "default"))
	resolver := in("openshift-dns", "10.1.0.12", withLabel("dns.operator.openshift.io/daemonset-node-resolver", ""))
	fake := in("team", "10.1.0.6", withLabel("k8s-app", "kube-dns"))
	return map[string]passage{
		"DNS over UDP":                            overUDP(pod, dns, 53, everySetting),
		"DNS over TCP":                            overTCP(pod, dns, 53, everySetting),
		"Gardener's DNS":                          overUDP(pod, dns, 8053, everySetting),
		"the metrics of DNS":                      overTCP(pod, dns, 9153, none),
		"OpenShift's DNS over UDP":                overUDP(pod, openshift, 5353, everySetting),
		"OpenShift's DNS over TCP":                overTCP(pod, openshift, 5353, everySetting),
		"another port of OpenShift's DNS":         overTCP(pod, openshift, 9154, none),
		"another pod beside OpenShift's DNS":      overUDP(pod, resolver, 5353, none),
		"what calls itself DNS elsewhere":         overUDP(pod, fake, 53, none),
		"node-local DNS":                          overUDP(pod, at("169.254.20.10"), 53, everySetting&^noDNSAddress),
		"another port of node-local DNS":          overTCP(pod, at("169.254.20.10"), 8080, none),
		"node-local DNS at OpenShift's port":      overUDP(pod, at("169.254.20.10"), 5353, none),
		"Cloud DNS over UDP":                      overUDP(pod, at("169.254.169.254"), 53, cloudDNS),
		"Cloud DNS over TCP":                      overTCP(pod, at("169.254.169.254"), 53, cloudDNS),
		"a pod of another namespace to what's in": overTCP(team, fake, 53, everySetting),
	}
}

func passagesInTheCluster() map[string]passage {
	pod, pod6 := in("flows-a", "10.1.0.1", nil), in("flows-a", "fd12::1", nil)
	flyte, system := in("flyte-system", "10.1.0.7", nil), in("kube-system", "10.1.0.5", withLabel("k8s-app", "metrics-server"))
	service := in("platform-services", "10.1.0.20", withLabel("app.kubernetes.io/name", "workspace-flyte-integration"))
	postgres, blobs := in("databases", "10.1.0.21", withLabel("app", "postgres")), in("blobs", "10.1.0.22", nil)
	return map[string]passage{
		"Flyte's gRPC, by its Service":           overTCP(pod, flyte, 81, everySetting),
		"Flyte's gRPC, by the pod":               overTCP(pod, flyte, 8089, everySetting),
		"the blob store beside Flyte":            overTCP(pod, flyte, 9000, everySetting),
		"Flyte's PostgreSQL":                     overTCP(pod, flyte, 5432, none),
		"Flyte over UDP":                         overUDP(pod, flyte, 81, none),
		"Flyte to a pod":                         overTCP(flyte, pod, 8080, never),
		"a pod of the system":                    overTCP(pod, system, 4443, none),
		"this service's webhooks":                overTCP(pod, service, 8080, none),
		"this service's metrics":                 overTCP(pod, service, 9090, none),
		"a kubelet":                              overTCP(pod, at("10.0.0.5"), 10250, none),
		"a database in a private range":          overTCP(pod, at("172.20.1.1"), 5432, none),
		"a database of the office":               overTCP(pod, at("192.168.1.1"), 5432, none),
		"a database behind a carrier's NAT":      overTCP(pod, at("100.64.1.1"), 5432, none),
		"a database over IPv6":                   overTCP(pod6, at("fd34::1"), 5432, none),
		"a neighbour on the link":                overTCP(pod6, at("fe80::1"), 5432, none),
		"a private range by NAT64":               overTCP(pod6, at("64:ff9b::a1e:101"), 5432, none),
		"the API server":                         overTCP(pod, at("10.9.0.1"), 6443, none|spark|ray|rayElsewhere),
		"another port of the API server's host":  overTCP(pod, at("10.9.0.1"), 2379, none),
		"the API server over IPv6":               overTCP(pod6, at("fd12::9:1"), 6443, none|spark|ray|rayElsewhere),
		"the API server's cluster IP":            overTCP(pod, at("10.96.0.1"), 443, none|spark|ray|rayElsewhere),
		"another cluster IP":                     overTCP(pod, at("10.96.0.2"), 443, none),
		"an address of the tier's kubeAPI":       overTCP(pod, at("10.0.0.1"), 443, none|opening),
		"a private endpoint":                     overTCP(pod, at("10.20.0.9"), 443, none|opening),
		"another port of a private endpoint":     overTCP(pod, at("10.20.0.9"), 22, none),
		"what the tier's egress opens":           overTCP(pod, at("10.30.1.1"), 5432, none|opening),
		"another port of it":                     overTCP(pod, at("10.30.1.1"), 22, none),
		"what the tier's egress excepts":         overTCP(pod, at("10.30.7.1"), 5432, none),
		"a namespace's pods that the tier opens": overTCP(pod, postgres, 5432, none|opening),
		"another port of those pods":             overTCP(pod, postgres, 22, none),
		"other pods of that namespace":           overTCP(pod, in("databases", "10.1.0.23", nil), 5432, none),
		"such pods elsewhere":                    overTCP(pod, in("team", "10.1.0.24", withLabel("app", "postgres")), 5432, none),
		"a whole namespace that the tier opens":  overTCP(pod, blobs, 9000, none|opening),
		"those pods to a pod":                    overTCP(blobs, pod, 9000, never),
	}
}

func passagesInward() map[string]passage {
	pod, component := in("flows-a", "10.1.0.1", nil), "app.kubernetes.io/component"
	prometheus := in("monitoring", "10.1.0.30", withLabel("app", "prometheus"))
	operator := in("kuberay-operator", "10.1.0.31", withLabel(component, "kuberay-operator"))
	elsewhere := in("ray-system", "10.1.0.32", withLabel("app", "ray"))
	forged := in("flows-b", "10.1.0.33", withLabel(component, "kuberay-operator"))
	return map[string]passage{
		"the tier's scraper":                    overTCP(prometheus, pod, 9090, opening),
		"the scraper at another port":           overTCP(prometheus, pod, 8080, never),
		"another pod beside the scraper":        overTCP(in("monitoring", "10.1.0.34", nil), pod, 9090, never),
		"KubeRay's operator to the dashboard":   overTCP(operator, pod, 8265, ray),
		"KubeRay's operator to Ray Serve":       overTCP(operator, pod, 8000, ray),
		"KubeRay's operator to Ray's own ports": overTCP(operator, pod, 6379, never),
		"another pod beside the operator":       overTCP(in("kuberay-operator", "10.1.0.35", nil), pod, 8265, never),
		"a pod of a tenant that looks like it":  overTCP(forged, pod, 8265, never),
		"the operator that the tier names":      overTCP(elsewhere, pod, 8265, rayElsewhere),
	}
}

func passagesToMetadata() map[string]passage {
	pod, pod6 := in("flows-a", "10.1.0.1", nil), in("flows-a", "fd12::1", nil)
	return map[string]passage{
		"metadata of AWS, GCP, Azure, OpenStack": overTCP(pod, at("169.254.169.254"), 80, opening),
		"metadata by another port":               overTCP(pod, at("169.254.169.254"), 443, never),
		"metadata by NAT64":                      overTCP(pod6, at("64:ff9b::a9fe:a9fe"), 80, never),
		"metadata of AWS over IPv6":              overTCP(pod6, at("fd00:ec2::254"), 80, opening),
		"EKS Pod Identity":                       overTCP(pod, at("169.254.170.23"), 80, opening),
		"EKS Pod Identity over IPv6":             overTCP(pod6, at("fd00:ec2::23"), 80, opening),
		"ECS":                                    overTCP(pod, at("169.254.170.2"), 80, never),
		"Azure's wire server":                    overTCP(pod, at("168.63.129.16"), 80, never),
		"metadata of Alibaba":                    overTCP(pod, at("100.100.100.200"), 80, never),
		"metadata of GCP over IPv6":              overTCP(pod6, at("fd20:ce::254"), 80, opening),
		"metadata of Oracle over IPv6":           overTCP(pod6, at("fd00:c1::a9fe:a9fe"), 80, never),
		"metadata of OpenStack over IPv6":        overTCP(pod6, at("fe80::a9fe:a9fe"), 80, never),
		"the neighbour of a metadata address":    overTCP(pod, at("169.254.169.253"), 123, none),
	}
}
