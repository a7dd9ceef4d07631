package kueue

import (
	"context"
	_ "embed"
	"errors"
	"fmt"

	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"

	"platform.company.com/workspace-flyte-integration/devcluster/binaries"
	"platform.company.com/workspace-flyte-integration/internal/deploy"
)

//go:embed values.yaml
var values []byte

const webhookService = release + "-webhook-service"

// applyChart applies the objects of Kueue's chart, and returns the program's configuration. Webhooks are called at a port of this machine.
// There is no Deployment, since there is no node, and no API of pending workloads, since the control plane aggregates none.
func applyChart(ctx context.Context, admin *rest.Config, webhookPort int) (config string, err error) {
	objects, err := render(ctx)
	if err != nil {
		return "", err
	}
	var kept []*unstructured.Unstructured
	for _, o := range objects {
		switch o.GetKind() {
		case "Deployment", "APIService":
			continue
		case "ConfigMap":
			config, _, err = unstructured.NestedString(o.Object, "data", "controller_manager_config.yaml")
		case "Service":
			err = pointHere(o)
		case "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration":
			err = eachWebhook(o, webhookPort)
		case "CustomResourceDefinition":
			err = setConversionPort(o, webhookPort)
		}
		if err != nil {
			return "", fmt.Errorf("adapting %s %s: %w", o.GetKind(), o.GetName(), err)
		}
		kept = append(kept, o)
	}
	if config == "" {
		return "", errors.New("the chart has no configuration")
	}
	return config, deploy.Apply(ctx, admin, kept)
}

// render returns the objects of the chart with values.yaml.
func render(ctx context.Context) ([]*unstructured.Unstructured, error) {
	dir, err := binaries.KueueChart(ctx)
	if err != nil {
		return nil, err
	}
	chart, err := loader.LoadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("loading Kueue's chart: %w", err)
	}
	o := deploy.Options{Release: release, Namespace: Namespace}
	if err := yaml.UnmarshalStrict(values, &o.Values); err != nil {
		return nil, fmt.Errorf("parsing values.yaml: %w", err)
	}
	return deploy.RenderChart(chart, o)
}

// pointHere makes the Service of the webhooks resolve to this machine.
func pointHere(service *unstructured.Unstructured) error {
	if service.GetName() != webhookService {
		return nil
	}
	here := map[string]any{"type": "ExternalName", "externalName": "localhost"}
	return unstructured.SetNestedMap(service.Object, here, "spec")
}

func eachWebhook(configuration *unstructured.Unstructured, port int) error {
	webhooks, _, err := unstructured.NestedSlice(configuration.Object, "webhooks")
	if err != nil {
		return err
	}
	for _, webhook := range webhooks {
		if err := unstructured.SetNestedField(webhook.(map[string]any), int64(port), "clientConfig", "service", "port"); err != nil {
			return err
		}
	}
	return unstructured.SetNestedSlice(configuration.Object, webhooks, "webhooks")
}

func setConversionPort(crd *unstructured.Unstructured, port int) error {
	path := []string{"spec", "conversion", "webhook", "clientConfig", "service", "port"}
	if _, found, err := unstructured.NestedMap(crd.Object, path[:len(path)-1]...); !found || err != nil {
		return err
	}
	return unstructured.SetNestedField(crd.Object, int64(port), path...)
}

// loopback is where the program listens on this machine.
type loopback struct {
	webhookPort          int
	health, certificates string
}

// onLoopback returns the configuration for a single process on this machine.
func onLoopback(config string, l loopback) ([]byte, error) {
	all := map[string]any{}
	if err := yaml.UnmarshalStrict([]byte(config), &all); err != nil {
		return nil, fmt.Errorf("parsing Kueue's configuration: %w", err)
	}
	all["webhook"] = map[string]any{"host": "127.0.0.1", "port": l.webhookPort, "certDir": l.certificates}
	all["health"] = map[string]any{"healthProbeBindAddress": l.health}
	all["metrics"] = map[string]any{"bindAddress": "0"}
	all["leaderElection"] = map[string]any{"leaderElect": false}
	all["featureGates"] = map[string]any{"VisibilityOnDemand": false}
	return yaml.Marshal(all)
}
