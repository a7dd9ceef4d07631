package k8s

import (
	"context"
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/cluster"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// PullSecrets are the Secrets that tiers name, in the management namespace.
type PullSecrets struct {
	namespace string
	source    cluster.Cluster
}

// NewPullSecrets reads and watches Secrets of type kubernetes.io/dockerconfigjson in the namespace, once the manager
// has started. It reports lists as [CacheOptions] does.
func NewPullSecrets(mgr manager.Manager, namespace string, relisted chan<- struct{}) (*PullSecrets, error) {
	source, err := cluster.New(mgr.GetConfig(), func(o *cluster.Options) {
		o.Scheme, o.Logger = mgr.GetScheme(), mgr.GetLogger()
		o.Cache = cache.Options{ReaderFailOnMissingInformer: true, NewInformer: newInformer(relisted), ByObject: map[client.Object]cache.ByObject{
			&corev1.Secret{}: {
				Namespaces: map[string]cache.Config{namespace: {}},
				Field:      fields.OneTermEqualSelector("type", string(corev1.SecretTypeDockerConfigJson)),
				Transform:  cache.TransformStripManagedFields(),
			},
		}}
	})
	if err != nil {
		return nil, fmt.Errorf("preparing to read pull secrets: %w", err)
	}
	return &PullSecrets{namespace: namespace, source: source}, mgr.Add(source)
}

// Cache is the cache of these Secrets, for a watch.
func (s *PullSecrets) Cache() cache.Cache { return s.source.GetCache() }

// dockerConfig is the part of a Docker configuration that pulling needs.
type dockerConfig struct {
	Auths map[string]json.RawMessage `json:"auths"`
}

// Merge makes one Docker configuration of the Secrets of these names; of two with the same registry, the first
// wins. Names of Secrets that do not exist, or have other content, are missing.
func (s *PullSecrets) Merge(ctx context.Context, names []string) (config []byte, missing []string, err error) {
	merged := dockerConfig{Auths: map[string]json.RawMessage{}}
	for _, name := range names {
		var secret corev1.Secret
		err := s.source.GetCache().Get(ctx, client.ObjectKey{Namespace: s.namespace, Name: name}, &secret)
		if client.IgnoreNotFound(err) != nil {
			return nil, nil, fmt.Errorf("reading the pull secret %q: %w", name, err)
		}
		var one dockerConfig
		if apierrors.IsNotFound(err) || json.Unmarshal(secret.Data[corev1.DockerConfigJsonKey], &one) != nil {
			missing = append(missing, name)
			continue
		}
		for registry, auth := range one.Auths {
			if _, known := merged.Auths[registry]; !known {
				merged.Auths[registry] = auth
			}
		}
	}
	config, err = json.Marshal(merged)
	return config, missing, err
}

// AddPullSecrets adds the copies to the cache, as identity and hash.
func AddPullSecrets(o *cache.Options) {
	o.ByObject[&corev1.Secret{}] = cache.ByObject{
		Label: labels.Everything(),
		Field: fields.OneTermEqualSelector(metav1.ObjectNameField, v1alpha1.PullSecretName), Transform: stripToIdentity,
	}
}
