package deploy

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"io"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// setStatus changes the status in a revision as Helm stores it: JSON, compressed, in base64. It was deployed a minute ago.
func setStatus(secret *corev1.Secret, status string) error {
	packed, err := base64.StdEncoding.DecodeString(string(secret.Data["release"]))
	if err != nil {
		return err
	}
	reader, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return err
	}
	text, err := io.ReadAll(reader)
	if err != nil {
		return err
	}
	var release map[string]any
	if err := json.Unmarshal(text, &release); err != nil {
		return err
	}
	info := release["info"].(map[string]any)
	info["status"], info["last_deployed"] = status, time.Now().Add(-time.Minute)
	if text, err = json.Marshal(release); err != nil {
		return err
	}
	var buffer bytes.Buffer
	writer := gzip.NewWriter(&buffer)
	if _, err := writer.Write(text); err != nil {
		return err
	}
	if err := writer.Close(); err != nil {
		return err
	}
	secret.Data["release"] = []byte(base64.StdEncoding.EncodeToString(buffer.Bytes()))
	secret.Labels["status"] = status
	return nil
}
