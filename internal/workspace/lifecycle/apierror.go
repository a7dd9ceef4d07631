package lifecycle

import (
	"errors"
	"net/http"
	"regexp"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/printable"
)

// retried says when a failed request is retried.
const retried = "; retried within 30 s"

var (
	// deniedByWebhook is how the API server says that an admission webhook refuses a request, with any status
	// (k8s.io/apiserver/pkg/admission/plugin/webhook/errors/statuserror.go).
	deniedByWebhook = regexp.MustCompile(`admission webhook ".*" denied the request`)
	// uncalledWebhook is how it says that it could not ask one (k8s.io/apiserver/pkg/util/webhook/error.go). What follows
	// there has the webhook's URL, which may contain a secret.
	uncalledWebhook = regexp.MustCompile(`failed calling webhook "([^"]*)"`)
)

// apiError is the outcome of an error of the Kubernetes API: it says what failed and, if the API server has answered,
// in its own words why.
func apiError(condition string, err error) outcome {
	o := outcome{condition: condition, reason: v1alpha1.ReasonKubernetesUnavailable, err: err}
	var answer apierrors.APIStatus
	if !errors.As(err, &answer) {
		o.message = "the API server did not answer" + retried // the rest varies: addresses, and which request it was
		return o
	}
	status := answer.Status()
	doing := strings.TrimSuffix(err.Error(), status.Message)
	switch {
	case apierrors.IsForbidden(err):
		o.reason = v1alpha1.ReasonForbidden
	case apierrors.IsInvalid(err), apierrors.IsBadRequest(err), deniedByWebhook.MatchString(status.Message):
		o.reason = v1alpha1.ReasonRejected
	}
	o.quoted = quotable(status)
	if strings.HasPrefix(o.quoted, "Secret") || strings.Contains(doing, `Secret "`) {
		o.quoted = "the API server refuses it" // what refuses a Secret may repeat what is in it
	}
	o.quoted = bounded(o.quoted)
	if o.reason == v1alpha1.ReasonKubernetesUnavailable {
		o.quoted = printable.Text(o.quoted, maxMessage-len(retried)) + retried
	}
	o.quoted = printable.Text(o.quoted, max(0, maxMessage-len(bounded(doing))))
	o.message = bounded(doing) + o.quoted
	return o
}

// quotable is what a condition says of an answer of the API server: its message, unless that varies or may contain a secret.
func quotable(status metav1.Status) string {
	if found := uncalledWebhook.FindStringSubmatch(status.Message); found != nil {
		return `the admission webhook "` + found[1] + `" could not be called`
	}
	switch status.Code {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return "the API server answered " + http.StatusText(int(status.Code))
	}
	return status.Message
}

// varying are the words of a message that may differ each time: addresses, times, ids.
var varying = regexp.MustCompile(`[\w.:+/-]*[0-9][\w.:+/-]*`)

// maxCompared is how many bytes of two messages are compared: the ends may have been cut.
const maxCompared = 256

// steady is o with the message that the condition has already, where all that differs is such words in what is quoted.
func (o outcome) steady(have *metav1.Condition) outcome {
	if o.quoted == "" || have == nil || have.Reason != o.reason {
		return o
	}
	had, same := strings.CutPrefix(have.Message, strings.TrimSuffix(o.message, o.quoted))
	if same && withoutVarying(had) == withoutVarying(o.quoted) {
		o.message, o.quoted = have.Message, had
	}
	return o
}

func withoutVarying(text string) string {
	return printable.Text(varying.ReplaceAllString(text, "#"), maxCompared)
}
