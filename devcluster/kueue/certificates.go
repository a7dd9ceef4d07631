package kueue

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
)

func (k *Kueue) certificates() string { return filepath.Join(k.dir, "kueue-certificates") }

// writeCertificates waits until Kueue has put a certificate into its Secret, and writes it where a kubelet would mount it.
func (k *Kueue) writeCertificates(ctx context.Context) error {
	client, err := kubernetes.NewForConfig(k.admin)
	if err != nil {
		return fmt.Errorf("creating a client: %w", err)
	}
	return wait.PollUntilContextTimeout(ctx, readyInterval, readyTimeout, true, func(ctx context.Context) (bool, error) {
		select {
		case <-k.program.Exited():
			return false, k.program.Failure()
		default:
		}
		secret, err := client.CoreV1().Secrets(Namespace).Get(ctx, webhookSecret, metav1.GetOptions{})
		if err != nil || len(secret.Data[corev1.TLSCertKey]) == 0 {
			return false, err
		}
		return true, writeFiles(k.certificates(), secret.Data)
	})
}

// writeFiles writes the certificate last: Kueue reads both files as soon as that exists.
func writeFiles(dir string, data map[string][]byte) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("creating the directory of Kueue's certificate: %w", err)
	}
	for _, name := range []string{corev1.TLSPrivateKeyKey, corev1.TLSCertKey} {
		if err := os.WriteFile(filepath.Join(dir, name), data[name], 0o600); err != nil {
			return fmt.Errorf("writing Kueue's certificate: %w", err)
		}
	}
	return nil
}
