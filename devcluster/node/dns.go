package node

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes"
)

const (
	dnsName  = "coredns"
	corefile = `.:53 {
    errors
    health
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        pods insecure
        ttl 5
    }
    cache 5
}
`
)

// createDNS creates CoreDNS as kubeadm does, with its labels, which the workspaces' NetworkPolicies open.
func createDNS(ctx context.Context, client kubernetes.Interface) error {
	name := metav1.ObjectMeta{Name: dnsName, Namespace: metav1.NamespaceSystem}
	core, create := client.CoreV1(), metav1.CreateOptions{}
	all := []func() error{
		func() error {
			_, err := core.ServiceAccounts(name.Namespace).Create(ctx, &corev1.ServiceAccount{ObjectMeta: name}, create)
			return err
		},
		func() error {
			_, err := client.RbacV1().ClusterRoleBindings().Create(ctx, dnsBinding(), create)
			return err
		},
		func() error {
			_, err := client.RbacV1().ClusterRoles().Create(ctx, dnsRole(), create)
			return err
		},
		func() error {
			files := &corev1.ConfigMap{ObjectMeta: name, Data: map[string]string{"Corefile": corefile}}
			_, err := core.ConfigMaps(name.Namespace).Create(ctx, files, create)
			return err
		},
		func() error {
			_, err := core.Services(name.Namespace).Create(ctx, dnsService(), create)
			return err
		},
		func() error {
			_, err := client.AppsV1().Deployments(name.Namespace).Create(ctx, dnsDeployment(name), create)
			return err
		},
	}
	for _, one := range all {
		if err := one(); err != nil && !apierrors.IsAlreadyExists(err) { // in a state directory that was used before
			return fmt.Errorf("creating the cluster's DNS: %w", err)
		}
	}
	return nil
}

func dnsRole() *rbacv1.ClusterRole {
	read := []string{"list", "watch"}
	return &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "system:" + dnsName}, Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{""}, Resources: []string{"endpoints", "services", "pods", "namespaces"}, Verbs: read},
		{APIGroups: []string{"discovery.k8s.io"}, Resources: []string{"endpointslices"}, Verbs: read},
	}}
}

func dnsBinding() *rbacv1.ClusterRoleBinding {
	return &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "system:" + dnsName},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "system:" + dnsName},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: metav1.NamespaceSystem, Name: dnsName}},
	}
}

func dnsService() *corev1.Service {
	port := func(name string, protocol corev1.Protocol) corev1.ServicePort {
		return corev1.ServicePort{Name: name, Protocol: protocol, Port: 53, TargetPort: intstr.FromInt32(53)}
	}
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "kube-dns", Namespace: metav1.NamespaceSystem, Labels: dnsLabels()},
		Spec: corev1.ServiceSpec{
			Selector: dnsLabels(), ClusterIP: dnsIP.String(),
			Ports: []corev1.ServicePort{port("dns", corev1.ProtocolUDP), port("dns-tcp", corev1.ProtocolTCP)},
		},
	}
}

func dnsLabels() map[string]string { return map[string]string{"k8s-app": "kube-dns"} }

func dnsDeployment(name metav1.ObjectMeta) *appsv1.Deployment {
	probe := func(path string, port int32) *corev1.Probe {
		return &corev1.Probe{
			ProbeHandler:  corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: path, Port: intstr.FromInt32(port)}},
			PeriodSeconds: 1, FailureThreshold: 30,
		}
	}
	files := corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: dnsName}}
	return &appsv1.Deployment{
		ObjectMeta: name,
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: dnsLabels()},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: dnsLabels()},
				Spec: corev1.PodSpec{
					ServiceAccountName: dnsName, DNSPolicy: corev1.DNSDefault,
					Containers: []corev1.Container{{
						Name: dnsName, Image: dnsImage, ImagePullPolicy: corev1.PullNever, Args: []string{"-conf", "/etc/coredns/Corefile"},
						VolumeMounts:   []corev1.VolumeMount{{Name: "config", MountPath: "/etc/coredns"}},
						ReadinessProbe: probe("/ready", 8181), LivenessProbe: probe("/health", 8080),
					}},
					Volumes: []corev1.Volume{{Name: "config", VolumeSource: corev1.VolumeSource{ConfigMap: &files}}},
				},
			},
		},
	}
}
