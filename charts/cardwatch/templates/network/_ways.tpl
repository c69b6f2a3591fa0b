{{/* Ways out that several pods need, as rules of a NetworkPolicy. */}}
{{- define "cardwatch.toNames" -}}
- ports:
    - {port: 53, protocol: UDP}
    - {port: 53, protocol: TCP}
{{- end }}

{{- define "cardwatch.toKafka" -}}
{{- if .Values.kafka.create -}}
- to:
    - podSelector:
        matchLabels:
          strimzi.io/cluster: cardwatch
          strimzi.io/kind: Kafka
  ports:
    - {port: {{ include "cardwatch.kafkaPort" . }}, protocol: TCP}
{{- else -}}
- ports:
    {{- range regexFindAll ":[0-9]+" .Values.kafka.bootstrapServers -1 | uniq }}
    - {port: {{ trimPrefix ":" . }}, protocol: TCP}
    {{- end }}
{{- end -}}
{{- end }}

{{/* The way in of Prometheus, as the ingress of a NetworkPolicy; nothing where it does not read. */}}
{{- define "cardwatch.fromPrometheus" -}}
{{- if .Values.monitoring.enabled -}}
ingress:
  - from:
      - namespaceSelector:
          matchLabels:
            kubernetes.io/metadata.name: {{ .Values.networkPolicies.monitoringNamespace }}
    ports:
      - {port: 9090, protocol: TCP}
{{- end -}}
{{- end }}

{{/* The API's address is not a pod's, so only its ports can be said. */}}
{{- define "cardwatch.toApiServer" -}}
- ports:
    {{- range .Values.networkPolicies.apiServerPorts }}
    - {port: {{ . }}, protocol: TCP}
    {{- end }}
{{- end }}
