package desired_test

import (
	corev1 "k8s.io/api/core/v1"
)

// flowCase is a flow and the settings under which it is allowed.
type flowCase struct {
	flow
	allowedUnder setting
}

func tcp(from, to endpoint, port int32, allowedUnder setting) flowCase {
	return flowCase{flow{from, to, corev1.ProtocolTCP, port}, allowedUnder}
}

func udp(from, to endpoint, port int32, allowedUnder setting) flowCase {
	return flowCase{flow{from, to, corev1.ProtocolUDP, port}, allowedUnder}
}

const never setting = 0

func generalCases() map[string]flowCase {
	pod, mate, stranger := podIn("flows-a", "10.1.0.1", nil), podIn("flows-a", "10.1.0.2", nil), podIn("flows-b", "10.1.0.3", nil)
	pod6, stranger6 := podIn("flows-a", "fd12::1", nil), podIn("flows-b", "fd12::3", nil)
	team, like := podIn("team", "10.1.0.8", nil), podIn("flows-b", "10.1.0.10", withLabel("k8s-app", "kube-dns"))
	return map[string]flowCase{
		"a pod to another of its namespace":       tcp(pod, mate, 8080, allSettings),
		"a pod to itself":                         udp(pod, pod, 8080, allSettings),
		"a pod to another workspace":              tcp(pod, stranger, 8080, never),
		"a pod to another workspace over IPv6":    tcp(pod6, stranger6, 8080, never),
		"another workspace to a pod":              tcp(stranger, pod, 8080, never),
		"another namespace to a pod":              tcp(team, pod, 8080, never),
		"the world to a pod":                      tcp(address("93.184.215.14"), pod, 443, never),
		"a node to a pod":                         tcp(address("10.0.0.5"), pod, 10250, never),
		"the world":                               tcp(pod, address("93.184.215.14"), 443, allSettings),
		"the world over IPv6":                     tcp(pod6, address("2606:2800:21f::1"), 443, allSettings),
		"the world by NAT64":                      tcp(pod6, address("64:ff9b::5db8:d70e"), 443, allSettings),
		"a pod of another namespace to the world": tcp(team, address("93.184.215.14"), 443, allSettings),
		"a labelled pod to another of its own":    tcp(podIn("flows-a", "10.1.0.9", withLabel("a", "b")), mate, 22, allSettings),
		"a pod with DNS labels to a pod":          tcp(like, pod, 53, never),
		"a host with the address of a pod":        tcp(address("10.1.0.2"), pod, 8080, never),
		"another workspace to a pod over SCTP":    {flow{stranger, pod, corev1.ProtocolSCTP, 1}, never},
	}
}

func dnsCases() map[string]flowCase {
	pod, team := podIn("flows-a", "10.1.0.1", nil), podIn("team", "10.1.0.8", nil)
	dns := podIn("kube-system", "10.1.0.4", withLabel("k8s-app", "kube-dns"))
	openshift := podIn("openshift-dns", "10.1.0.11", withLabel("dns.operator.openshift.io/daemonset-dns", "default"))
	resolver := podIn("openshift-dns", "10.1.0.12", withLabel("dns.operator.openshift.io/daemonset-node-resolver", ""))
	fake := podIn("team", "10.1.0.6", withLabel("k8s-app", "kube-dns"))
	return map[string]flowCase{
		"DNS over UDP":                            udp(pod, dns, 53, allSettings),
		"DNS over TCP":                            tcp(pod, dns, 53, allSettings),
		"Gardener's DNS":                          udp(pod, dns, 8053, allSettings),
		"the metrics of DNS":                      tcp(pod, dns, 9153, none),
		"OpenShift's DNS over UDP":                udp(pod, openshift, 5353, allSettings),
		"OpenShift's DNS over TCP":                tcp(pod, openshift, 5353, allSettings),
		"another port of OpenShift's DNS":         tcp(pod, openshift, 9154, none),
		"another pod of openshift-dns":            udp(pod, resolver, 5353, none),
		"a pod with DNS labels elsewhere":         udp(pod, fake, 53, none),
		"node-local DNS":                          udp(pod, address("169.254.20.10"), 53, allSettings&^noDNSAddress),
		"another port of node-local DNS":          tcp(pod, address("169.254.20.10"), 8080, none),
		"node-local DNS at OpenShift's port":      udp(pod, address("169.254.20.10"), 5353, none),
		"Cloud DNS over UDP":                      udp(pod, address("169.254.169.254"), 53, cloudDNS),
		"Cloud DNS over TCP":                      tcp(pod, address("169.254.169.254"), 53, cloudDNS),
		"a pod to another of a foreign namespace": tcp(team, fake, 53, allSettings),
	}
}

func clusterCases() map[string]flowCase {
	pod, pod6 := podIn("flows-a", "10.1.0.1", nil), podIn("flows-a", "fd12::1", nil)
	flyte, system := podIn("flyte-system", "10.1.0.7", nil), podIn("kube-system", "10.1.0.5", withLabel("k8s-app", "metrics-server"))
	service := podIn("platform-services", "10.1.0.20", withLabel("app.kubernetes.io/name", "workspace-flyte-integration"))
	postgres, blobs := podIn("databases", "10.1.0.21", withLabel("app", "postgres")), podIn("blobs", "10.1.0.22", nil)
	return map[string]flowCase{
		"Flyte's gRPC, by its Service":           tcp(pod, flyte, 81, allSettings),
		"Flyte's gRPC, by the pod":               tcp(pod, flyte, 8089, allSettings),
		"the blob store in the Flyte namespace":  tcp(pod, flyte, 9000, allSettings),
		"Flyte's PostgreSQL":                     tcp(pod, flyte, 5432, none),
		"Flyte over UDP":                         udp(pod, flyte, 81, none),
		"Flyte to a pod":                         tcp(flyte, pod, 8080, never),
		"a pod of the system":                    tcp(pod, system, 4443, none),
		"this service's webhooks":                tcp(pod, service, 8080, none),
		"this service's metrics":                 tcp(pod, service, 9090, none),
		"a kubelet":                              tcp(pod, address("10.0.0.5"), 10250, none),
		"a database in a private range":          tcp(pod, address("172.20.1.1"), 5432, none),
		"a database in 192.168.0.0/16":           tcp(pod, address("192.168.1.1"), 5432, none),
		"a database behind a carrier's NAT":      tcp(pod, address("100.64.1.1"), 5432, none),
		"a database over IPv6":                   tcp(pod6, address("fd34::1"), 5432, none),
		"a link-local address":                   tcp(pod6, address("fe80::1"), 5432, none),
		"a private range by NAT64":               tcp(pod6, address("64:ff9b::a1e:101"), 5432, none),
		"the API server":                         tcp(pod, address("10.9.0.1"), 6443, none|spark|ray|rayElsewhere),
		"another port of the API server's host":  tcp(pod, address("10.9.0.1"), 2379, none),
		"the API server over IPv6":               tcp(pod6, address("fd12::9:1"), 6443, none|spark|ray|rayElsewhere),
		"the API server's cluster IP":            tcp(pod, address("10.96.0.1"), 443, none|spark|ray|rayElsewhere),
		"another cluster IP":                     tcp(pod, address("10.96.0.2"), 443, none),
		"an address of the tier's kubeAPI":       tcp(pod, address("10.0.0.1"), 443, none|opening),
		"a private endpoint":                     tcp(pod, address("10.20.0.9"), 443, none|opening),
		"another port of a private endpoint":     tcp(pod, address("10.20.0.9"), 22, none),
		"the tier's egress range":                tcp(pod, address("10.30.1.1"), 5432, none|opening),
		"another port of the egress range":       tcp(pod, address("10.30.1.1"), 22, none),
		"an exception of the egress range":       tcp(pod, address("10.30.7.1"), 5432, none),
		"a namespace's pods that the tier opens": tcp(pod, postgres, 5432, none|opening),
		"another port of those pods":             tcp(pod, postgres, 22, none),
		"other pods of that namespace":           tcp(pod, podIn("databases", "10.1.0.23", nil), 5432, none),
		"pods with these labels elsewhere":       tcp(pod, podIn("team", "10.1.0.24", withLabel("app", "postgres")), 5432, none),
		"a namespace that the tier opens":        tcp(pod, blobs, 9000, none|opening),
		"those pods to a pod":                    tcp(blobs, pod, 9000, never),
	}
}

func ingressCases() map[string]flowCase {
	pod, component := podIn("flows-a", "10.1.0.1", nil), "app.kubernetes.io/component"
	prometheus := podIn("monitoring", "10.1.0.30", withLabel("app", "prometheus"))
	operator := podIn("kuberay-operator", "10.1.0.31", withLabel(component, "kuberay-operator"))
	elsewhere := podIn("ray-system", "10.1.0.32", withLabel("app", "ray"))
	tenant := podIn("flows-b", "10.1.0.33", withLabel(component, "kuberay-operator"))
	return map[string]flowCase{
		"the tier's scraper":                    tcp(prometheus, pod, 9090, opening),
		"the scraper at another port":           tcp(prometheus, pod, 8080, never),
		"another pod of monitoring":             tcp(podIn("monitoring", "10.1.0.34", nil), pod, 9090, never),
		"KubeRay's operator to the dashboard":   tcp(operator, pod, 8265, ray),
		"KubeRay's operator to Ray Serve":       tcp(operator, pod, 8000, ray),
		"KubeRay's operator to Ray's own ports": tcp(operator, pod, 6379, never),
		"another pod of kuberay-operator":       tcp(podIn("kuberay-operator", "10.1.0.35", nil), pod, 8265, never),
		"a tenant's pod with operator labels":   tcp(tenant, pod, 8265, never),
		"the operator that the tier names":      tcp(elsewhere, pod, 8265, rayElsewhere),
	}
}

func metadataCases() map[string]flowCase {
	pod, pod6 := podIn("flows-a", "10.1.0.1", nil), podIn("flows-a", "fd12::1", nil)
	return map[string]flowCase{
		"metadata of AWS, GCP, Azure, OpenStack": tcp(pod, address("169.254.169.254"), 80, opening),
		"metadata on another port":               tcp(pod, address("169.254.169.254"), 443, never),
		"metadata by NAT64":                      tcp(pod6, address("64:ff9b::a9fe:a9fe"), 80, never),
		"metadata of AWS over IPv6":              tcp(pod6, address("fd00:ec2::254"), 80, opening),
		"EKS Pod Identity":                       tcp(pod, address("169.254.170.23"), 80, opening),
		"EKS Pod Identity over IPv6":             tcp(pod6, address("fd00:ec2::23"), 80, opening),
		"ECS":                                    tcp(pod, address("169.254.170.2"), 80, never),
		"Azure's wire server":                    tcp(pod, address("168.63.129.16"), 80, never),
		"metadata of Alibaba":                    tcp(pod, address("100.100.100.200"), 80, never),
		"metadata of GCP over IPv6":              tcp(pod6, address("fd20:ce::254"), 80, opening),
		"metadata of Oracle over IPv6":           tcp(pod6, address("fd00:c1::a9fe:a9fe"), 80, never),
		"metadata of OpenStack over IPv6":        tcp(pod6, address("fe80::a9fe:a9fe"), 80, never),
		"the neighbour of a metadata address":    tcp(pod, address("169.254.169.253"), 123, none),
	}
}
