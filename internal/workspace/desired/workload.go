package desired

import (
	"cmp"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

const (
	// workloadBinding is the RoleBinding of the workload's ServiceAccount.
	workloadBinding = "workspace-workload"
	// workloadRolePrefix and a framework make the name of the chart's ClusterRole for it.
	workloadRolePrefix = "workspace-flyte-integration-workload-"
	// podTemplateName must be the value of propeller's default-pod-template-name.
	podTemplateName = "workspace-pod-template"
	// templateContainer is the container of a PodTemplate that propeller uses as the template of all containers. templateImage is the
	// image that it must have, and that propeller replaces (flyteplugins/go/tasks/pluginmachinery/flytek8s/pod_helper.go).
	templateContainer = "default"
	templateImage     = "replaced.invalid/by-the-task:0"
)

// Workload is the PodTemplate and the copy of pull secrets that the tier's pipelines need. Without a tier, existing ones stay.
func (p *Plan) Workload() (part Part) {
	if p.Tier == nil {
		return part
	}
	part.Kinds = []client.Object{&corev1.PodTemplate{}}
	if t := p.Tier.Spec.Workload.PodTemplate; t != nil {
		part.Objects = append(part.Objects, &corev1.PodTemplate{ObjectMeta: p.metadata(podTemplateName), Template: podTemplate(t)})
	}
	if p.CopiesPullSecrets {
		part.Kinds = append(part.Kinds, &corev1.Secret{})
	}
	if p.CopiesPullSecrets && p.PullConfig != nil {
		part.Objects = append(part.Objects, p.pullSecret())
	}
	return part
}

// workloadRole lets the driver of a framework create pods in its own namespace.
func (p *Plan) workloadRole() *rbacv1.RoleBinding {
	return &rbacv1.RoleBinding{
		ObjectMeta: p.metadata(workloadBinding),
		RoleRef: rbacv1.RoleRef{
			APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: workloadRolePrefix + string(p.Tier.Spec.Workload.Role),
		},
		Subjects: []rbacv1.Subject{{
			Kind: rbacv1.ServiceAccountKind, Name: WorkloadServiceAccount, Namespace: p.Namespace.Name,
		}},
	}
}

// pullSecret is the copy of the tier's pull secrets.
func (p *Plan) pullSecret() *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: p.metadata(v1alpha1.PullSecretName), Type: corev1.SecretTypeDockerConfigJson,
		Data: map[string][]byte{corev1.DockerConfigJsonKey: p.PullConfig},
	}
}

// pullSecrets is the ServiceAccount's reference to the copy.
func (p *Plan) pullSecrets() []corev1.LocalObjectReference {
	if p.PullConfig == nil {
		return nil
	}
	return []corev1.LocalObjectReference{{Name: v1alpha1.PullSecretName}}
}

// podTemplate fills in the defaults as the API server does (k8s.io/kubernetes/pkg/apis/core/v1/defaults.go).
func podTemplate(t *v1alpha1.TierPodTemplate) corev1.PodTemplateSpec {
	spec := corev1.PodSpec{
		NodeSelector: plain(t.NodeSelector), Tolerations: tolerations(t.Tolerations), PriorityClassName: t.PriorityClassName,
		SchedulerName:   cmp.Or(t.SchedulerName, corev1.DefaultSchedulerName),
		SecurityContext: &corev1.PodSecurityContext{RunAsUser: t.RunAsUser, FSGroup: t.FSGroup},
		RestartPolicy:   corev1.RestartPolicyAlways, DNSPolicy: corev1.DNSClusterFirst,
		TerminationGracePeriodSeconds: new(int64(corev1.DefaultTerminationGracePeriodSeconds)),
	}
	if t.RuntimeClassName != "" {
		spec.RuntimeClassName = &t.RuntimeClassName
	}
	container := corev1.Container{
		Name: templateContainer, Image: templateImage, ImagePullPolicy: corev1.PullIfNotPresent,
		TerminationMessagePath: corev1.TerminationMessagePathDefault, TerminationMessagePolicy: corev1.TerminationMessageReadFile,
	}
	if t.Restricted {
		restrict(spec.SecurityContext, &container)
	}
	spec.Containers = []corev1.Container{container}
	return corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: plain(t.Labels), Annotations: t.Annotations}, Spec: spec}
}

// restrict is what the Pod Security Standard "restricted" requires.
func restrict(pod *corev1.PodSecurityContext, container *corev1.Container) {
	pod.RunAsNonRoot = new(true)
	pod.SeccompProfile = &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}
	container.SecurityContext = &corev1.SecurityContext{
		AllowPrivilegeEscalation: new(false), Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
	}
}

func tolerations(wanted []v1alpha1.Toleration) (all []corev1.Toleration) {
	for _, t := range wanted {
		all = append(all, corev1.Toleration{
			Key: t.Key, Operator: t.Operator, Value: string(t.Value), Effect: t.Effect, TolerationSeconds: t.TolerationSeconds,
		})
	}
	return all
}
