package remedy

import "platform.company.com/workspace-flyte-integration/api/v1alpha1"

func flyte() []Remedy { return append(flyteConnection(), flyteSettings()...) }

func flyteConnection() []Remedy {
	return []Remedy{
		{
			Reasons: []string{v1alpha1.ReasonFlyteUnavailable},
			Means:   "Flyte does not answer; retried every 3 to 6 s. Kubernetes objects are in place",
			Do:      "check FlyteAdmin and `FLYTE_ADMIN_ENDPOINT`",
		},
		{
			Reasons: []string{v1alpha1.ReasonFlyteUnauthorized},
			Means:   "Flyte refuses the service's credentials",
			Do:      "check FlyteAdmin's authentication",
		},
		{
			Reasons: []string{v1alpha1.ReasonFlyteCertificateExpired},
			Means:   "the certificate of Flyte or the token endpoint is not valid now",
			Do:      "renew it, or set the clocks",
		},
		{
			Reasons: []string{v1alpha1.ReasonFlyteCertificateWrongName},
			Means:   "that certificate is for another host name",
			Do:      "use its name as endpoint, or issue another",
		},
		{
			Reasons: []string{v1alpha1.ReasonFlyteCertificateUntrusted},
			Means:   "no trusted CA signed it",
			Do:      "set `FLYTE_ADMIN_CA_CERT`",
		},
		{
			Reasons: []string{v1alpha1.ReasonFlyteClientCertificateRefused},
			Means:   "Flyte does not accept the client certificate",
			Do:      "renew `FLYTE_ADMIN_CLIENT_CERT` and `FLYTE_ADMIN_CLIENT_KEY`",
		},
		{
			Reasons: []string{v1alpha1.ReasonFlyteTokenRefused},
			Means:   "the token endpoint refuses `FLYTE_CLIENT_ID`, its secret or the scopes",
			Do:      "correct them; a new secret file applies at once",
		},
		{
			Reasons: []string{v1alpha1.ReasonFlyteTokenUnavailable},
			Means:   "the token endpoint is unknown or does not answer",
			Do:      "check `FLYTE_TOKEN_URL`",
		},
	}
}

func flyteSettings() []Remedy {
	return []Remedy{
		{
			Reasons: []string{v1alpha1.ReasonFlyteWrongVersion},
			Means:   "the other API version answers; `/health` names it",
			Do:      "correct `FLYTE_API_VERSION` or the endpoint",
		},
		{
			Reasons: []string{v1alpha1.ReasonFlyteNotFound},
			Means:   "something other than Flyte answers",
			Do:      "point `FLYTE_ADMIN_ENDPOINT` at the gRPC port",
		},
		{
			Reasons: []string{v1alpha1.ReasonFlyteDomainUnknown},
			Means:   "Flyte lacks a domain of `FLYTE_DOMAINS`",
			Do:      "correct the variable, or add the domain to Flyte",
		},
		{
			Reasons: []string{v1alpha1.ReasonFlyteRejected},
			Means:   "Flyte calls the project invalid; retried after 3 s up to 10 minutes",
			Do:      "correct the workspace; a change is sent at once",
		},
	}
}
