package k8s

// The permissions of the service in the whole cluster, and why it needs them. The chart has the others: Leases in the Role of its own
// namespace, the deletion of namespaces and tombstones in files/purge-role.yaml (with the policy Delete only), and the API server's
// addresses in files/api-server-role.yaml.
//
// The edge stores the spec, the controller writes the status; neither ever writes a tier.
// +kubebuilder:rbac:groups=platform.company.com,resources=workspaces,verbs=get;list;watch;create;patch
// +kubebuilder:rbac:groups=platform.company.com,resources=workspaces/status,verbs=patch
// +kubebuilder:rbac:groups=platform.company.com,resources=workspacetiers,verbs=list;watch
// +kubebuilder:rbac:groups=platform.company.com,resources=workspacetiers/status,verbs=patch
//
// Namespaces are created, and their labels repaired.
// +kubebuilder:rbac:groups="",resources=namespaces,verbs=get;list;watch;create;patch
//
// The objects in them are created, repaired, replaced and pruned. A ServiceAccount is never removed.
// +kubebuilder:rbac:groups="",resources=resourcequotas;limitranges;configmaps;podtemplates,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups="",resources=serviceaccounts,verbs=get;list;watch;create;patch
// +kubebuilder:rbac:groups=networking.k8s.io,resources=networkpolicies,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=rbac.authorization.k8s.io,resources=rolebindings,verbs=get;list;watch;create;patch;delete
//
// The API server lets a client grant only rights that it has, unless it may bind that very role.
// +kubebuilder:rbac:groups=rbac.authorization.k8s.io,resources=clusterroles,verbs=bind,resourceNames=workspace-flyte-integration-tenant-admin;workspace-flyte-integration-tenant-editor;workspace-flyte-integration-tenant-viewer;workspace-flyte-integration-workload-spark;workspace-flyte-integration-workload-ray;workspace-flyte-integration-workload-dask
//
// Events report changes of Ready.
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch
