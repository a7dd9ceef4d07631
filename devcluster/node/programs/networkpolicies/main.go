// Command networkpolicies enforces the NetworkPolicies of a node: kube-network-policies with a kubeconfig instead of a ServiceAccount.
// It judges the packets in a netfilter queue, and learns the addresses of pods from containerd (NRI) before the API server has them.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
	"sigs.k8s.io/kube-network-policies/pkg/networkpolicy"
)

func main() {
	kubeconfig := flag.String("kubeconfig", "", "kubeconfig of an account that may read pods, namespaces and NetworkPolicies")
	node := flag.String("node", "", "name of the node")
	queue := flag.Int("queue", 0, "number of the netfilter queue")
	klog.InitFlags(nil)
	flag.Parse()
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *kubeconfig, networkpolicy.Config{NodeName: *node, QueueID: *queue})
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, "networkpolicies:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, kubeconfig string, config networkpolicy.Config) error {
	access, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return fmt.Errorf("reading the kubeconfig: %w", err)
	}
	client, err := kubernetes.NewForConfig(access)
	if err != nil {
		return fmt.Errorf("creating a client: %w", err)
	}
	all := informers.NewSharedInformerFactory(client, 0)
	core := all.Core().V1()
	controller, err := networkpolicy.NewController(
		client, all.Networking().V1().NetworkPolicies(), core.Namespaces(), core.Pods(), nil, nil, nil, nil, config)
	if err != nil {
		return fmt.Errorf("creating the controller: %w", err)
	}
	all.Start(ctx.Done())
	return controller.Run(ctx)
}
