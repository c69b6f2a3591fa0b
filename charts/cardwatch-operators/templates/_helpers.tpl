{{- define "operator.name" -}}cardwatch-operator{{- end }}

{{- define "operator.selector" -}}
app.kubernetes.io/name: {{ include "operator.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "operator.labels" -}}
{{ include "operator.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: cardwatch
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "operator.image" -}}
{{- with .Values.operator.image -}}
{{- if .registry }}{{ .registry }}/{{ end }}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end -}}
{{- end }}

{{/* Where the Lease lies: one operator for each namespace that is looked after. */}}
{{- define "operator.leaseNamespace" -}}
{{ .Values.operator.watchNamespace | default .Release.Namespace }}
{{- end }}

{{/* How Kafka is spoken to, as environment. Argument: `operator.kafka`. */}}
{{- define "operator.kafkaEnvironment" -}}
{{- $users := ne .authentication.type "none" -}}
{{- if and (eq .authentication.type "plain") (not .tls.enabled) }}
{{- fail "operator.kafka.authentication.type plain sends the password as it is: set operator.kafka.tls.enabled" }}
{{- end }}
{{- if or $users .tls.enabled -}}
- name: CARDWATCH_KAFKA_SECURITY_PROTOCOL
  value: {{ if $users }}SASL_{{ end }}{{ ternary "SSL" "PLAINTEXT" .tls.enabled }}
{{- if $users }}
- name: CARDWATCH_KAFKA_SASL_MECHANISM
  value: {{ upper .authentication.type }}
- name: CARDWATCH_KAFKA_USERNAME
  value: {{ .authentication.username | quote }}
- name: CARDWATCH_KAFKA_PASSWORD_FILE
  value: /etc/cardwatch/kafka/password
{{- end }}
{{- if and .tls.enabled .tls.existingSecret }}
- name: CARDWATCH_KAFKA_CA_FILE
  value: /etc/cardwatch/kafka/ca.crt
{{- end }}
{{- end }}
{{- end }}

{{/* The files that it names, as sources of a volume. */}}
{{- define "operator.kafkaSecrets" -}}
{{- if ne .authentication.type "none" -}}
- secret:
    name: {{ .authentication.existingSecret }}
    items:
      - {key: password, path: password}
{{- end }}
{{- if and .tls.enabled .tls.existingSecret }}
- secret:
    name: {{ .tls.existingSecret }}
    items:
      - {key: ca.crt, path: ca.crt}
{{- end }}
{{- end }}
