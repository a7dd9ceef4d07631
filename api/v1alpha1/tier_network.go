package v1alpha1

// TierNetwork opens connections of a tier's pods beyond those of every workspace: DNS, the same namespace, Flyte's
// ports, and every address except metadata addresses and EGRESS_EXCEPT_CIDRS.
type TierNetwork struct {
	// MetadataServer opens the cloud's metadata server (169.254.169.254, GKE's 169.254.169.252, fd00:ec2::254). GKE
	// Workload Identity needs it. Without a workload identity, it gives away the node's credentials.
	MetadataServer bool `json:"metadataServer,omitempty"`
	// EKSPodIdentity opens the agent of EKS Pod Identity (169.254.170.23, fd00:ec2::23).
	EKSPodIdentity bool `json:"eksPodIdentity,omitempty"`
	// KubeAPI opens more addresses of the Kubernetes API at TCP 443 and 6443. A tier with workload.role needs none: the
	// addresses in the EndpointSlice default/kubernetes and of its Service are open there.
	// +listType=set
	// +kubebuilder:validation:MaxItems=16
	KubeAPI []OpenCIDR `json:"kubeAPI,omitempty"`
	// PrivateEndpoints opens addresses in private networks, such as AWS PrivateLink or Private Service Connect, at TCP
	// 443.
	// +listType=set
	// +kubebuilder:validation:MaxItems=32
	PrivateEndpoints []OpenCIDR `json:"privateEndpoints,omitempty"`
	// Egress opens other addresses, whatever EGRESS_EXCEPT_CIDRS says. It never opens metadata addresses.
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	Egress []EgressRule `json:"egress,omitempty"`
	// Namespaces opens pods of other namespaces, such as a database or a blob store in the cluster.
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	Namespaces []NamespacePods `json:"namespaces,omitempty"`
	// Scrapers may connect to the tier's pods from other namespaces, to read metrics.
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=8
	Scrapers []NamespacePods `json:"scrapers,omitempty"`
	// RayOperator is where KubeRay's operator runs. With workload.role ray it may connect to the pods at TCP 8265 and
	// 8000.
	RayOperator *RayOperator `json:"rayOperator,omitempty"`
}

// CIDR is a block of IPv4 or IPv6 addresses, such as 10.0.0.0/8.
//
// +kubebuilder:validation:MaxLength=43
// +kubebuilder:validation:XValidation:rule="isCIDR(self) && string(cidr(self)) == self && cidr(self) == cidr(self).masked()",message="must be a CIDR such as 10.0.0.0/8 or fd00::/8, in its shortest form and without bits after the prefix"
type CIDR string

// OpenCIDR is a CIDR that a tier may open: not all addresses, and no metadata address.
//
// +kubebuilder:validation:MaxLength=43
// +kubebuilder:validation:XValidation:rule="isCIDR(self) && string(cidr(self)) == self && cidr(self) == cidr(self).masked()",message="must be a CIDR such as 10.0.0.0/8 or fd00::/8, in its shortest form and without bits after the prefix"
// +kubebuilder:validation:XValidation:rule="!self.endsWith('/0')",message="must not be all addresses: every workspace reaches the world, except EGRESS_EXCEPT_CIDRS"
// +kubebuilder:validation:XValidation:rule="!(self in ['169.254.169.254/32', '169.254.169.252/32', '169.254.170.2/32', '169.254.170.23/32', '168.63.129.16/32', '100.100.100.200/32', '169.254.42.42/32', 'fd00:ec2::254/128', 'fd00:ec2::23/128', 'fd20:ce::254/128', 'fd00:c1::a9fe:a9fe/128', 'fd00:42::42/128', 'fe80::a9fe:a9fe/128'])",message="is a metadata address: metadataServer and eksPodIdentity open those that may be"
type OpenCIDR string

// EgressRule opens a block of addresses.
//
// +kubebuilder:validation:XValidation:rule="!has(self.except) || !isCIDR(self.cidr) || self.except.all(e, !isCIDR(e) || e != self.cidr && cidr(self.cidr).containsCIDR(e))",message="each exception must lie within cidr and be smaller"
type EgressRule struct {
	CIDR OpenCIDR `json:"cidr"`
	// Except are parts of the block that stay closed.
	// +listType=set
	// +kubebuilder:validation:MaxItems=16
	Except []CIDR `json:"except,omitempty"`
	// Ports to open; all if empty.
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	Ports []NetworkPort `json:"ports,omitempty"`
}

// NamespacePods are pods of a namespace, and ports. The ports are those of the pods that accept the connection.
type NamespacePods struct {
	// Namespace of the pods.
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Namespace string `json:"namespace"`
	// PodLabels select the pods; all pods of the namespace if empty.
	PodLabels PodLabels `json:"podLabels,omitempty"`
	// Ports of the containers. Most network plugins compare a Service's target port, some its own port.
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Ports []NetworkPort `json:"ports"`
}

// RayOperator is where KubeRay's operator runs.
type RayOperator struct {
	// Namespace of the operator; kuberay-operator by default.
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Namespace string `json:"namespace,omitempty"`
	// PodLabels select its pods; app.kubernetes.io/component: kuberay-operator by default.
	PodLabels PodLabels `json:"podLabels,omitempty"`
}

// PodLabels select pods.
//
// +kubebuilder:validation:MaxProperties=8
// +kubebuilder:validation:XValidation:rule="self.all(k, k.indexOf('/') <= 253 && k.matches('^([a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$'))",message="label keys must have Kubernetes label syntax"
type PodLabels map[string]LabelValue

// NetworkPort is a port, or a range of ports.
//
// +kubebuilder:validation:XValidation:rule="!has(self.endPort) || self.endPort >= self.port",message="endPort must not be below port"
type NetworkPort struct {
	// +kubebuilder:default=TCP
	Protocol NetworkProtocol `json:"protocol,omitempty"`
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	Port int32 `json:"port"`
	// EndPort makes it the range from port to endPort.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	EndPort int32 `json:"endPort,omitempty"`
}

// NetworkProtocol is a protocol of a port.
// +kubebuilder:validation:Enum=TCP;UDP;SCTP
type NetworkProtocol string
