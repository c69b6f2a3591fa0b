{{/* The Secret with the API keys, hashed. `cardwatch-gateway` is that of its KafkaUser. */}}
{{- define "cardwatch.gatewaySecret" -}}
{{- .Values.gateway.keys.existingSecret | default "cardwatch-api-keys" -}}
{{- end }}

{{/* The way out to the gateway, as a rule of a NetworkPolicy. */}}
{{- define "cardwatch.toGateway" -}}
{{- if .Values.gateway.enabled -}}
- to:
    - podSelector:
        matchLabels: {{- include "cardwatch.selector" (dict "root" . "name" "gateway") | nindent 10 }}
  ports:
    - {port: 8080, protocol: TCP}
{{- end -}}
{{- end }}
