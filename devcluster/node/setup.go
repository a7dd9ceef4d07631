package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"

	"platform.company.com/workspace-flyte-integration/devcluster"
	"platform.company.com/workspace-flyte-integration/devcluster/binaries"
)

const readyInterval = 50 * time.Millisecond

// PauseImage is the image of the container that holds a pod's namespaces.
const PauseImage = "wfi.invalid/pause:1"

const dnsImage = "wfi.invalid/coredns:1"

// setUp makes the cluster usable: the API server's address for pods, the images of its own pods, DNS.
func (c *Cluster) setUp(ctx context.Context) error {
	client, err := kubernetes.NewForConfig(c.Config())
	if err != nil {
		return fmt.Errorf("creating a client: %w", err)
	}
	if err := publishAPIServer(ctx, client); err != nil {
		return err
	}
	if err := createDNS(ctx, client); err != nil {
		return err
	}
	if err := c.await(ctx, "containerd", func(context.Context) bool {
		_, err := os.Stat(c.config.path(containerdSocket))
		return err == nil
	}); err != nil {
		return err
	}
	for name, program := range map[string]string{PauseImage: binaries.Pause, dnsImage: binaries.CoreDNS} {
		if err := c.Load(ctx, Image{Name: name, Program: c.config.program(program)}); err != nil {
			return err
		}
	}
	return c.await(ctx, "the cluster's DNS to be ready", func(ctx context.Context) bool {
		d, err := client.AppsV1().Deployments(metav1.NamespaceSystem).Get(ctx, dnsName, metav1.GetOptions{})
		return err == nil && d.Status.ReadyReplicas == 1
	})
}

// await polls until the condition is true, and fails if the node ends.
func (c *Cluster) await(ctx context.Context, what string, condition func(context.Context) bool) error {
	err := wait.PollUntilContextCancel(ctx, readyInterval, true, func(ctx context.Context) (bool, error) {
		select {
		case <-c.supervisor.exited:
			return false, errors.New("the node has ended")
		default:
			return condition(ctx), nil
		}
	})
	if err != nil {
		return fmt.Errorf("waiting for %s: %w", what, err)
	}
	return nil
}

// publishAPIServer makes the Service "kubernetes" lead to the API server. A real API server does that for its own address.
func publishAPIServer(ctx context.Context, client kubernetes.Interface) error {
	slice := &discoveryv1.EndpointSlice{
		ObjectMeta:  metav1.ObjectMeta{Name: "kubernetes", Labels: map[string]string{discoveryv1.LabelServiceName: "kubernetes"}},
		AddressType: discoveryv1.AddressTypeIPv4,
		Endpoints: []discoveryv1.Endpoint{{
			Addresses: []string{APIServer.String()}, Conditions: discoveryv1.EndpointConditions{Ready: new(true)},
		}},
		Ports: []discoveryv1.EndpointPort{{
			Name: new("https"), Port: new(int32(devcluster.APIServerNodePort)), Protocol: new(corev1.ProtocolTCP),
		}},
	}
	_, err := client.DiscoveryV1().EndpointSlices(metav1.NamespaceDefault).Create(ctx, slice, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) { // in a state directory that was used before
		return fmt.Errorf("publishing the API server's address: %w", err)
	}
	return nil
}
