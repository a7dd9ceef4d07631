package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"
	"k8s.io/kubectl/pkg/util/podutils"
	"k8s.io/streaming/pkg/httpstream"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	servicePort = "8080" // of the pods, as in the chart
	loopback    = "127.0.0.1"
)

// forwarded is a connection to a pod of the service, at a URL on loopback until it is closed.
type forwarded struct {
	url, pod string
	ended    <-chan error
	close    func()
}

var errEnded = errors.New("the connection ended")

// forward makes the service reachable on loopback, through the API server, at a local port; 0 is any free one.
func (k *cluster) forward(ctx context.Context, kube client.Client, in settingsFlags, local uint16) (*forwarded, error) {
	deployment, pod, err := readyPod(ctx, kube, in)
	if err != nil {
		return nil, err
	}
	dialer, err := k.podDialer(in.namespace, pod)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	ready, ended := make(chan struct{}), make(chan error, 1)
	ports := []string{fmt.Sprintf("%d:%s", local, servicePort)}
	forwarder, err := portforward.NewOnAddressesForStreamingWithContext(ctx, dialer, []string{loopback}, ports, ready, io.Discard, io.Discard)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("forwarding a port: %w", err)
	}
	go func() { ended <- forwarder.ForwardPorts() }()
	select {
	case <-ready:
	case err := <-ended:
		cancel()
		return nil, fmt.Errorf("forwarding port %d to pod %q (see --port): %w", local, pod, cmp.Or(err, errEnded))
	}
	bound, err := forwarder.GetPorts()
	if err != nil {
		cancel()
		return nil, fmt.Errorf("forwarding a port: %w", err)
	}
	url := fmt.Sprintf("%s://%s:%d", scheme(deployment), loopback, bound[0].Local)
	return &forwarded{url: url, pod: pod, ended: ended, close: cancel}, nil
}

// wait returns why the connection ended, at the latest when ctx ends.
func (f *forwarded) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case err := <-f.ended:
		return fmt.Errorf("forwarding to pod %q: %w; start the command again for another pod", f.pod, cmp.Or(err, errEnded))
	}
}

// scheme is that of the readiness probe: https with a certificate.
func scheme(d *appsv1.Deployment) string {
	for _, container := range d.Spec.Template.Spec.Containers {
		if probe := container.ReadinessProbe; probe != nil && probe.HTTPGet != nil {
			return strings.ToLower(string(cmp.Or(probe.HTTPGet.Scheme, corev1.URISchemeHTTP)))
		}
	}
	return "http"
}

// readyPod finds a ready pod of the service's Deployment.
func readyPod(ctx context.Context, kube client.Client, in settingsFlags) (*appsv1.Deployment, string, error) {
	var deployment appsv1.Deployment
	if err := kube.Get(ctx, client.ObjectKey{Namespace: in.namespace, Name: in.release}, &deployment); err != nil {
		return nil, "", fmt.Errorf("reading the service's Deployment (see --namespace and --service): %w", err)
	}
	selector, err := metav1.LabelSelectorAsSelector(deployment.Spec.Selector)
	if err != nil {
		return nil, "", fmt.Errorf("reading the service's Deployment: %w", err)
	}
	var pods corev1.PodList
	if err := kube.List(ctx, &pods, client.InNamespace(in.namespace), client.MatchingLabelsSelector{Selector: selector}); err != nil {
		return nil, "", fmt.Errorf("listing the service's pods: %w", err)
	}
	i := slices.IndexFunc(pods.Items, func(p corev1.Pod) bool { return p.DeletionTimestamp == nil && podutils.IsPodReady(&p) })
	if i < 0 {
		return nil, "", fmt.Errorf("no pod of Deployment %s/%s is ready: `%s doctor` says more", in.namespace, in.release, programName)
	}
	return &deployment, pods.Items[i].Name, nil
}

// podDialer dials a pod by WebSocket, and by SPDY where a proxy or an older API server knows no WebSocket.
func (k *cluster) podDialer(namespace, pod string) (httpstream.Dialer, error) {
	core, err := k.restClient("/api", corev1.SchemeGroupVersion)
	if err != nil {
		return nil, err
	}
	cfg, err := k.config()
	if err != nil {
		return nil, err
	}
	url := core.Post().Resource("pods").Namespace(namespace).Name(pod).SubResource("portforward").URL()
	transport, upgrader, err := spdy.RoundTripperFor(rest.CopyConfig(cfg))
	if err != nil {
		return nil, fmt.Errorf("forwarding a port: %w", err)
	}
	bySPDY := spdy.NewDialerForStreaming(upgrader, &http.Client{Transport: transport}, http.MethodPost, url)
	byWebSocket, err := portforward.NewSPDYOverWebsocketDialerForStreaming(url, cfg)
	if err != nil {
		return nil, fmt.Errorf("forwarding a port: %w", err)
	}
	return portforward.NewFallbackDialerForStreaming(byWebSocket, bySPDY, func(err error) bool {
		return httpstream.IsUpgradeFailure(err) || httpstream.IsHTTPSProxyError(err)
	}), nil
}
