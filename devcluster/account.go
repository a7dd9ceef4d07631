package devcluster

import (
	"context"
	"fmt"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// tokenSeconds is the lifetime of an account's token, longer than a development session.
const tokenSeconds = 24 * 60 * 60

// AccountConfig returns the configuration of a ServiceAccount, with a new token and without a client-side rate limit.
func AccountConfig(ctx context.Context, admin *rest.Config, namespace, name string) (*rest.Config, error) {
	client, err := kubernetes.NewForConfig(admin)
	if err != nil {
		return nil, fmt.Errorf("creating a client: %w", err)
	}
	seconds := int64(tokenSeconds)
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &seconds}}
	token, err := client.CoreV1().ServiceAccounts(namespace).CreateToken(ctx, name, request, metav1.CreateOptions{})
	if err != nil {
		return nil, fmt.Errorf("requesting the token of the ServiceAccount %s/%s: %w", namespace, name, err)
	}
	account := rest.AnonymousClientConfig(admin)
	account.BearerToken = token.Status.Token
	account.QPS = -1
	return account, nil
}
