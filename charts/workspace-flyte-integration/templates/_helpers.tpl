{{/*
Template names are global to a release with all its subcharts, hence the prefix.

wfi.fullname names everything that belongs to this release. With the longest suffix, -metrics, it fits the 63 characters of a Service's
name.
*/}}
{{- define "wfi.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 55 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 55 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 55 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "wfi.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride -}}
{{- end -}}

{{- define "wfi.selectorLabels" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "wfi.labels" -}}
{{ include "wfi.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* The head of a namespaced object: {{ include "wfi.metadata" . }}, or (list . "suffix") for a second one of the kind. */}}
{{- define "wfi.metadata" -}}
{{- $root := . -}}{{- $suffix := "" -}}
{{- if kindIs "slice" . -}}{{- $root = first . -}}{{- $suffix = printf "-%s" (last .) -}}{{- end -}}
name: {{ include "wfi.fullname" $root }}{{ $suffix }}
namespace: {{ include "wfi.namespace" $root }}
labels: {{- include "wfi.labels" $root | nindent 2 }}
{{- end -}}

{{/* The pod that the network probe dials, with its Service and its policy. */}}
{{- define "wfi.probeName" -}}
{{ include "wfi.fullname" . | trunc 49 | trimSuffix "-" }}-network-probe
{{- end -}}

{{- define "wfi.probeLabels" -}}
app.kubernetes.io/name: {{ include "wfi.probeName" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/*
An annotation for what people and workspaces need when the release is uninstalled. A release that is installed later adopts these
objects, so their names are the same in every release.
*/}}
{{- define "wfi.keep" -}}
helm.sh/resource-policy: keep
{{- end -}}

{{- define "wfi.serviceAccountName" -}}
{{- default (include "wfi.fullname" .) .Values.serviceAccount.name -}}
{{- end -}}

{{- define "wfi.image" -}}
{{- with .Values.image -}}
{{- with default .registry (default dict $.Values.global).imageRegistry -}}{{ . }}/{{- end -}}
{{- .repository -}}
{{- if .digest -}}@{{ .digest }}{{- else -}}:{{ default $.Chart.AppVersion .tag }}{{- end -}}
{{- end -}}
{{- end -}}

{{/* Pull secrets of this chart and of a parent chart, whose entries may be names. */}}
{{- define "wfi.imagePullSecrets" -}}
{{- $all := list -}}
{{- range concat ((default dict .Values.global).imagePullSecrets | default list) .Values.imagePullSecrets -}}
{{- $all = append $all (kindIs "string" . | ternary (dict "name" .) .) -}}
{{- end -}}
{{- with uniq $all -}}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end -}}
{{- end -}}

{{- define "wfi.secretName" -}}
{{- default (include "wfi.fullname" .) .Values.webhook.existingSecret -}}
{{- end -}}

{{- define "wfi.secretKey" -}}
{{- if .Values.webhook.existingSecret -}}{{ .Values.webhook.existingSecretKey }}{{- else -}}webhook-secret{{- end -}}
{{- end -}}

{{/* Whole seconds of a Go duration such as 1m30s, rounded up. */}}
{{- define "wfi.seconds" -}}
{{- $unit := dict "ms" 0.001 "s" 1.0 "m" 60.0 "h" 3600.0 -}}
{{- $sum := 0.0 -}}
{{- range regexFindAll "[0-9.]+(ms|s|m|h)" . -1 -}}
{{- $sum = addf $sum (mulf (regexFind "[0-9.]+" . | float64) (get $unit (regexFind "[a-z]+" .))) -}}
{{- end -}}
{{- ceil $sum | int -}}
{{- end -}}

{{/* wfi.service: this release has the Deployment. wfi.target: this release has CRDs, rights and tiers. */}}
{{- define "wfi.service" -}}{{- if ne .Values.install "target" -}}true{{- end -}}{{- end -}}
{{- define "wfi.target" -}}{{- if ne .Values.install "service" -}}true{{- end -}}{{- end -}}

{{/*
The security contexts of pods and containers. OpenShift's restricted-v2 gives each namespace user ids of its own, and refuses others.
*/}}
{{- define "wfi.podSecurityContext" -}}
{{- include "wfi.withoutIDs" (list . .Values.podSecurityContext) -}}
{{- end -}}
{{- define "wfi.securityContext" -}}
{{- include "wfi.withoutIDs" (list . .Values.securityContext) -}}
{{- end -}}
{{- define "wfi.withoutIDs" -}}
{{- $root := first . -}}{{- $context := last . -}}
{{- if $root.Capabilities.APIVersions.Has "security.openshift.io/v1" -}}
{{- $context = omit $context "runAsUser" "runAsGroup" "fsGroup" -}}
{{- end -}}
{{- toYaml $context -}}
{{- end -}}

{{/* The signed routes: the only exposed ones, unless exposure.api is set. */}}
{{- define "wfi.webhookPaths" -}}
[/webhooks/workspace, /provision]
{{- end -}}

{{/* Where pods beside the service's run, and with which pull secrets. */}}
{{- define "wfi.sidePod" -}}
{{- include "wfi.imagePullSecrets" . }}
securityContext: {{- include "wfi.podSecurityContext" . | nindent 2 }}
{{- with .Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* The labels of the pod of `helm test`. */}}
{{- define "wfi.testLabels" -}}
app.kubernetes.io/name: {{ include "wfi.fullname" . }}-test
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* The ports of the API server, whose address is unknown, as NetworkPolicyPorts. */}}
{{- define "wfi.apiServerPorts" -}}
{{- range uniq (prepend .Values.networkPolicy.apiServerPorts 443) }}
- {port: {{ int . }}, protocol: TCP}
{{- end }}
{{- end -}}
