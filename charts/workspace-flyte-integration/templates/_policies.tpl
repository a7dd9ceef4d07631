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

{{- /*
A validation: the account neither sets nor changes owners and finalizers. An owner that doesn't exist has the garbage collector
delete the object, and a finalizer that nobody removes keeps it for ever. What others have set may stay.
*/ -}}
{{- define "wfi.policy.ownersAndFinalizers" -}}
- reason: Forbidden
  message: the service's account sets no ownerReferences and no finalizers, and changes none
  expression: |-
    request.operation == 'DELETE' ||
    object.metadata.?ownerReferences.orValue([]) == (oldObject == null ? [] : oldObject.metadata.?ownerReferences.orValue([])) &&
    object.metadata.?finalizers.orValue([]) == (oldObject == null ? [] : oldObject.metadata.?finalizers.orValue([]))
{{- end -}}

{{- /* A validation: objects of this kind get none of these annotations. */ -}}
{{- define "wfi.policy.annotations" -}}
{{- with .denied -}}
- reason: Forbidden
  message: "{{ $.of }} in workspaces have none of these annotations, which other programs follow out of the workspace: {{ join ", " . }}"
  expression: |-
    object.metadata.?annotations.orValue({}).all(key,
      !key.matches(r'{{ include "wfi.policy.oneOf" . }}') ||
      oldObject != null && oldObject.metadata.?annotations[?key] == object.metadata.?annotations[?key])
{{- end -}}
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
