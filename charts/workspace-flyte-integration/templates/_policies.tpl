{{- /* Requests of the service's own account, whoever sends them: all others pass the policies of the service. */ -}}
{{- define "wfi.policy.ofTheService" -}}
- name: of-the-service
  expression: request.userInfo.username == {{ printf "system:serviceaccount:%s:%s" .Release.Namespace (include "wfi.serviceAccountName" .) | quote }}
{{- end -}}

{{- /* CEL: the namespace of this name is one of the workspace `variables.id`, and not reserved, as internal/workspace/names.go has it. */ -}}
{{- define "wfi.policy.namedByTemplate" -}}
{{- $name := .name -}}
{{- with .root -}}
{{- $reserved := concat (list "default" "kube-*" "flyte" "workspace-management" .Release.Namespace .Values.flyte.namespace) .Values.workspaces.reservedNamespaces | uniq -}}
{{- $shapes := list -}}
{{- $template := .Values.workspaces.namespaceTemplate | replace "{prefix}" .Values.workspaces.namespacePrefix -}}
{{- range (contains "{domain}" $template | ternary .Values.flyte.domains (list "")) -}}
{{- $parts := splitList "{project}" (replace "{domain}" . $template) -}}
{{- $shapes = append $shapes (printf "%s == '%s' + variables.id%s" $name (first $parts) (last $parts | empty | ternary "" (last $parts | printf " + '%s'"))) -}}
{{- end -}}
variables.id != '' &&
({{ join " || " $shapes }}) &&
!{{ $name }}.matches(r'{{ include "wfi.policy.oneOf" $reserved }}')
{{- end -}}
{{- end -}}

{{- /* A regular expression (RE2) of these names, in which a * at the end stands for anything. One match costs the API server less than a loop in CEL. */ -}}
{{- define "wfi.policy.oneOf" -}}
{{- $names := list -}}
{{- range . -}}
{{- $names = append $names (hasSuffix "*" . | ternary (printf "%s.*" (trimSuffix "*" . | regexQuoteMeta)) (regexQuoteMeta .)) -}}
{{- end -}}
^(?:{{ join "|" $names }})$
{{- end -}}

{{- define "wfi.policy.workspaces" -}}
matchExpressions:
  - {key: platform.company.com/workspace, operator: Exists}
{{- end -}}

{{- /* A binding that puts the policy of this name in force. */ -}}
{{- define "wfi.policy.binding" -}}
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: {{ .name }}
  labels: {{- include "wfi.labels" .root | nindent 4 }}
spec:
  policyName: {{ .name }}
  validationActions: {{- toYaml .root.Values.policies.actions | nindent 4 }}
{{- end -}}
