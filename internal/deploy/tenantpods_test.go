package deploy_test

import (
	"context"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func podOf(namespace string, change func(*corev1.Pod)) *corev1.Pod {
	o := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, GenerateName: "a-"}}
	o.Spec.ServiceAccountName = "pods"
	o.Spec.Containers = []corev1.Container{{Name: "a", Image: "a"}}
	change(o)
	return o
}

// podCase is a change of a pod, and the message of the policy that refuses it, or "". Pod Security baseline accepts all of them.
type podCase struct {
	change  func(*corev1.Pod)
	refusal string
}

func podCases() map[string]podCase {
	const (
		volumes, tolerations  = "volumes of these types only", "no toleration without a key"
		annotations, priority = "Pods in workspaces have none of these annotations", "none of these priority classes"
	)
	shared := map[string]string{"server": "10.0.0.1", "share": "/"}
	nfs := &corev1.NFSVolumeSource{Server: "10.0.0.1", Path: "/"}
	iscsi := &corev1.ISCSIVolumeSource{TargetPortal: "10.0.0.1", IQN: "iqn.2026-11.x:y"}
	repository := &corev1.GitRepoVolumeSource{Repository: "https://x"}
	ceph := &corev1.CephFSVolumeSource{Monitors: []string{"10.0.0.1"}}
	disk := &corev1.AWSElasticBlockStoreVolumeSource{VolumeID: "v"}
	claim := &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "c"}
	return map[string]podCase{
		"plain":                          {func(*corev1.Pod) {}, ""},
		"a priority of the system":       {func(p *corev1.Pod) { p.Spec.PriorityClassName = "system-node-critical" }, priority},
		"a node of its choice":           {func(p *corev1.Pod) { p.Spec.NodeName = "control-plane-1" }, "don't set nodeName"},
		"a node pool":                    {func(p *corev1.Pod) { p.Spec.NodeSelector = map[string]string{"pool": "batch"} }, ""},
		"every taint":                    {tolerating(""), tolerations},
		"the control plane":              {tolerating("node-role.kubernetes.io/control-plane"), tolerations},
		"the control plane, formerly":    {tolerating("node-role.kubernetes.io/master"), tolerations},
		"nodes without NetworkPolicies":  {tolerating("node.cilium.io/agent-not-ready"), tolerations},
		"GPU nodes":                      {tolerating("nvidia.com/gpu"), ""},
		"nodes that are not ready":       {tolerating("node.kubernetes.io/not-ready"), ""},
		"nfs":                            {mounting(corev1.VolumeSource{NFS: nfs}), volumes},
		"iscsi":                          {mounting(corev1.VolumeSource{ISCSI: iscsi}), volumes},
		"cephfs":                         {mounting(corev1.VolumeSource{CephFS: ceph}), volumes},
		"a repository":                   {mounting(corev1.VolumeSource{GitRepo: repository}), volumes},
		"a disk of the cloud":            {mounting(corev1.VolumeSource{AWSElasticBlockStore: disk}), volumes},
		"nfs by CSI":                     {mounting(inline("nfs.csi.k8s.io", shared)), "no inline CSI volumes"},
		"secrets by CSI":                 {mounting(inline("secrets-store.csi.k8s.io", nil)), ""},
		"an emptyDir":                    {mounting(corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{Medium: "Memory"}}), ""},
		"a volume of no type":            {mounting(corev1.VolumeSource{}), ""}, // an emptyDir, by Kubernetes' default
		"a claim":                        {mounting(corev1.VolumeSource{PersistentVolumeClaim: claim}), ""},
		"another network":                {annotatedPod("k8s.v1.cni.cncf.io/networks"), annotations},
		"another network by default":     {annotatedPod("v1.multus-cni.io/default-network"), annotations},
		"an address of another":          {annotatedPod("cni.projectcalico.org/floatingIPs"), annotations},
		"a name in the company's DNS":    {annotatedPod("external-dns.alpha.kubernetes.io/internal-hostname"), annotations},
		"an annotation of an autoscaler": {annotatedPod("cluster-autoscaler.kubernetes.io/safe-to-evict"), ""},
	}
}

func tolerating(key string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.Spec.Tolerations = []corev1.Toleration{{Key: key, Operator: corev1.TolerationOpExists}}
	}
}

func annotatedPod(key string) func(*corev1.Pod) {
	return func(p *corev1.Pod) { p.Annotations = map[string]string{key: "x"} }
}

func mounting(source corev1.VolumeSource) func(*corev1.Pod) {
	return func(p *corev1.Pod) { p.Spec.Volumes = []corev1.Volume{{Name: "v", VolumeSource: source}} }
}

func inline(driver string, attributes map[string]string) corev1.VolumeSource {
	return corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{Driver: driver, VolumeAttributes: attributes}}
}

// A tier with denyOtherDevices has its devices in an annotation of the namespaces.
func TestTenantPolicy_DeniesOtherDevices(t *testing.T) {
	member, namespace := asMemberOf(t, "editor", map[string]string{workspaceLabel: "devices", enforceLabel: "baseline"})
	accountForPods(t, namespace)
	awaitAnswer(t, member, podOf(namespace, func(p *corev1.Pod) { p.Spec.NodeName = "a" }), false)
	asking := func(devices ...corev1.ResourceName) *corev1.Pod {
		return podOf(namespace, func(p *corev1.Pod) {
			limits := corev1.ResourceList{"cpu": resource.MustParse("1")}
			for _, device := range devices {
				limits[device] = resource.MustParse("1")
			}
			p.Spec.InitContainers = []corev1.Container{{Name: "i", Image: "a", Resources: corev1.ResourceRequirements{Limits: limits}}}
		})
	}
	const unnamed, class = corev1.ResourceName("nvidia.com/mig-1g.5gb"), corev1.ResourceName("deviceclass.resource.kubernetes.io/gpu")
	if err := member.Create(t.Context(), asking(unnamed, class), client.DryRunAll); err != nil {
		t.Fatalf("on a tier that denies none: %v", err)
	}
	annotate := `{"metadata": {"annotations": {"platform.company.com/devices": "amd.com/gpu,nvidia.com/gpu"}}}`
	object := namespaceOf(namespace, nil)
	if err := clientFor(t, installed(t)).Patch(t.Context(), object, client.RawPatch(types.MergePatchType, []byte(annotate))); err != nil {
		t.Fatal(err)
	}
	awaitAnswer(t, member, asking(unnamed), false)
	const refusal = "ask for no extended resources but amd.com/gpu, nvidia.com/gpu: its tier sets denyOtherDevices"
	for _, device := range []corev1.ResourceName{unnamed, class} {
		if err := member.Create(t.Context(), asking("amd.com/gpu", device), client.DryRunAll); !isDenied(err, refusal) {
			t.Errorf("%s: got %v", device, err)
		}
	}
	for _, device := range []corev1.ResourceName{"amd.com/gpu", "nvidia.com/gpu", "memory"} {
		if err := member.Create(t.Context(), asking(device), client.DryRunAll); err != nil {
			t.Errorf("%s: got %v", device, err)
		}
	}
}

// Controllers of Kubernetes create pods for objects that members may create. The policies refuse those pods, too, and an Event says why.
func TestTenantPolicy_HoldsForPodsOfControllers(t *testing.T) {
	member, namespace := asMemberOf(t, "editor", map[string]string{workspaceLabel: "controllers", enforceLabel: "baseline"})
	accountForPods(t, namespace)
	awaitAnswer(t, member, podOf(namespace, func(p *corev1.Pod) { p.Spec.NodeName = "a" }), false)
	pod := podOf(namespace, func(p *corev1.Pod) { p.Spec.NodeName = "control-plane-1"; p.Labels = map[string]string{"a": "b"} })
	template := corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: pod.Labels}, Spec: pod.Spec}
	selector, name := &metav1.LabelSelector{MatchLabels: pod.Labels}, metav1.ObjectMeta{Namespace: namespace, Name: "a"}
	job := batchv1.JobSpec{Template: template}
	job.Template.Spec.RestartPolicy = corev1.RestartPolicyNever
	makers := map[string]client.Object{
		"Job":         &batchv1.Job{ObjectMeta: name, Spec: job},
		"ReplicaSet":  &appsv1.Deployment{ObjectMeta: name, Spec: appsv1.DeploymentSpec{Selector: selector, Template: template}},
		"StatefulSet": &appsv1.StatefulSet{ObjectMeta: name, Spec: appsv1.StatefulSetSpec{Selector: selector, Template: template}},
	}
	for _, o := range makers {
		if err := member.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	for kind := range makers {
		awaitFailedCreate(t, member, namespace, kind, "don't set nodeName")
	}
	var pods corev1.PodList
	if err := member.List(t.Context(), &pods, client.InNamespace(namespace)); err != nil || len(pods.Items) > 0 {
		t.Errorf("there are pods: %v, %v", pods.Items, err)
	}
}

// awaitFailedCreate returns when an Event about an object of this kind says that its pods are refused for this.
func awaitFailedCreate(t *testing.T, c client.Client, namespace, kind, refusal string) {
	t.Helper()
	err := wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		var events corev1.EventList
		if err := c.List(ctx, &events, client.InNamespace(namespace)); err != nil {
			return false, err
		}
		for _, e := range events.Items {
			if e.InvolvedObject.Kind == kind && e.Reason == "FailedCreate" && strings.Contains(e.Message, refusal) {
				return true, nil
			}
		}
		return false, nil
	})
	if err != nil {
		t.Errorf("waiting for an Event of the %s: %v", kind, err)
	}
}
