package service

import (
	"context"
	"fmt"
	"maps"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
)

// release is the name of the Helm release and of its ServiceAccount.
const release = "workspace-flyte-integration"

// tokenSeconds is the lifetime of the account's token, longer than a development session.
const tokenSeconds = 24 * 60 * 60

// applyChart installs the chart without its Deployment, since there is no node, and returns the environment of its ConfigMap.
func applyChart(ctx context.Context, o Options) (map[string]string, error) {
	values := map[string]any{
		"flyte":   map[string]any{"consoleURL": "https://flyte.company.com"},
		"webhook": map[string]any{"existingSecret": "not-used-here"},
	}
	maps.Copy(values, o.Values)
	objects, err := deploy.Render(deploy.Options{Release: release, Namespace: Namespace, Values: values})
	if err != nil {
		return nil, err
	}
	env := map[string]string{}
	var kept []*unstructured.Unstructured
	for _, object := range objects {
		if object.GetKind() == "ConfigMap" {
			env, _, err = unstructured.NestedStringMap(object.Object, "data")
			if err != nil {
				return nil, fmt.Errorf("reading the chart's ConfigMap: %w", err)
			}
		}
		if object.GetKind() != "Deployment" {
			kept = append(kept, object)
		}
	}
	return env, deploy.Apply(ctx, o.Admin, kept)
}

// accountConfig returns the configuration of the chart's ServiceAccount, with a new token.
func accountConfig(ctx context.Context, admin *rest.Config) (*rest.Config, error) {
	client, err := kubernetes.NewForConfig(admin)
	if err != nil {
		return nil, fmt.Errorf("creating a client: %w", err)
	}
	seconds := int64(tokenSeconds)
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &seconds}}
	token, err := client.CoreV1().ServiceAccounts(Namespace).CreateToken(ctx, release, request, metav1.CreateOptions{})
	if err != nil {
		return nil, fmt.Errorf("requesting the ServiceAccount's token: %w", err)
	}
	account := rest.AnonymousClientConfig(admin)
	account.BearerToken = token.Status.Token
	account.QPS = -1
	return account, nil
}
