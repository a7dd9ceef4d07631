{{- /* Matches requests of the service's own account only. */ -}}
{{- define "wfi.policy.ofTheService" -}}
- name: of-the-service
  expression: request.userInfo.username == {{ printf "system:serviceaccount:%s:%s" (include "wfi.namespace" .) (include "wfi.serviceAccountName" .) | quote }}
{{- end -}}

{{- /* CEL: the namespace belongs to the workspace `variables.id` by its name, and is not reserved. The same rule as in internal/workspace/names.go. */ -}}
{{- define "wfi.policy.namedByTemplate" -}}
{{- $name := .name -}}
{{- with .root -}}
{{- $reserved := concat (list "default" "kube-*" "flyte" "workspace-management" (include "wfi.namespace" .) .Values.flyte.namespace) .Values.workspaces.reservedNamespaces | uniq -}}
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

{{- /* A regular expression (RE2) of these names; * ends a prefix. One match costs the API server less than a loop in CEL. */ -}}
{{- define "wfi.policy.oneOf" -}}
{{- $names := list -}}
{{- range . -}}
{{- $names = append $names (hasSuffix "*" . | ternary (printf "%s.*" (trimSuffix "*" . | regexQuoteMeta)) (regexQuoteMeta .)) -}}
{{- end -}}
^(?:{{ join "|" $names }})$
{{- end -}}

{{- /*
A validation: the account neither sets nor changes ownerReferences and finalizers. With an owner that doesn't exist, the garbage
collector deletes the object; a finalizer that nobody removes keeps it forever. Entries of others may stay.
*/ -}}
{{- define "wfi.policy.ownersAndFinalizers" -}}
- reason: Forbidden
  message: the service's account sets no ownerReferences and no finalizers, and changes none
  expression: |-
    request.operation == 'DELETE' ||
    object.metadata.?ownerReferences.orValue([]) == (oldObject == null ? [] : oldObject.metadata.?ownerReferences.orValue([])) &&
    object.metadata.?finalizers.orValue([]) == (oldObject == null ? [] : oldObject.metadata.?finalizers.orValue([]))
{{- end -}}

{{- /* A validation: nobody adds one of these annotations. */ -}}
{{- define "wfi.policy.annotations" -}}
{{- with .denied -}}
- reason: Forbidden
  message: "{{ $.of }} in workspaces have none of these annotations, which other programs act on outside the workspace: {{ join ", " . }}"
  expression: |-
    object.metadata.?annotations.orValue({}).all(key,
      !key.matches(r'{{ include "wfi.policy.oneOf" . }}') ||
      oldObject != null && oldObject.metadata.?annotations[?key] == object.metadata.?annotations[?key])
{{- end -}}
{{- end -}}

{{- /* CEL: the template of a tier made this object, and it is no copy. */ -}}
{{- define "wfi.policy.ofTemplate" -}}
{{- $of := print "'{\"of\":\"' + request.kind.kind + (request.kind.group == '' ? '' : '.' + request.kind.group) + '/' + " . ".metadata.namespace + '/' + " . ".metadata.name + '\"'" -}}
{{ . }}.metadata.?annotations[?'platform.company.com/tier-object'].orValue('').startsWith({{ $of }})
{{- end -}}

{{- define "wfi.policy.workspaces" -}}
matchExpressions:
  - {key: platform.company.com/workspace, operator: Exists}
{{- end -}}

{{- /* The binding of the policy of this name. */ -}}
{{- define "wfi.policy.binding" -}}
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: {{ .name }}
  labels: {{- include "wfi.labels" .root | nindent 4 }}
  {{- if .keep }}
  annotations: {{- include "wfi.keep" . | nindent 4 }}
  {{- end }}
spec:
  policyName: {{ .name }}
  validationActions: {{- toYaml .root.Values.policies.actions | nindent 4 }}
{{- end -}}
