{{/* Where who makes spans sends them, as environment variables; nothing where none are wanted. */}}
{{- define "cardwatch.tracingEnvironment" -}}
{{- if .Values.tracing.enabled -}}
- name: OTEL_EXPORTER_OTLP_ENDPOINT
  value: http://cardwatch-collector:4318
{{- end -}}
{{- end }}

{{/* Where the collector sends what it keeps: OTLP over gRPC. */}}
{{- define "cardwatch.jaegerEndpoint" -}}
{{- with .Values.tracing.jaeger -}}
{{- ternary "cardwatch-jaeger:4317" .endpoint .create -}}
{{- end -}}
{{- end }}

{{/* The way out to the collector, as a rule of a NetworkPolicy. */}}
{{- define "cardwatch.toCollector" -}}
{{- if .Values.tracing.enabled -}}
- to:
    - podSelector:
        matchLabels: {{- include "cardwatch.selector" (dict "root" . "name" "collector") | nindent 10 }}
  ports:
    - {port: 4318, protocol: TCP}
{{- end -}}
{{- end }}
