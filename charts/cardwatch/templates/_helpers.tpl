{{/* What selects the pods of a component. Arguments: `root`, `name` such as "archiver". */}}
{{- define "cardwatch.selector" -}}
app.kubernetes.io/name: cardwatch-{{ .name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- end }}

{{/* Labels that no upgrade changes, for what would start anew with others: pods, Kafka's resources.
     `part-of` is how a removal knows the KafkaTopics that are the chart's. */}}
{{- define "cardwatch.stableLabels" -}}
{{ include "cardwatch.selector" . }}
app.kubernetes.io/part-of: cardwatch
{{- end }}

{{- define "cardwatch.labels" -}}
{{ include "cardwatch.stableLabels" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{/* An image of Cardwatch's own. Arguments: `root`, `image` of the component. */}}
{{- define "cardwatch.image" -}}
{{- $common := .root.Values.image -}}
{{- with $common.registry }}{{ . }}/{{ end }}{{ .image.repository }}:
{{- .image.tag | default $common.tag | default .root.Chart.AppVersion -}}
{{- end }}

{{/* The security context of a pod. Argument: its user and group. */}}
{{- define "cardwatch.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ . }}
runAsGroup: {{ . }}
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{/* The security context of every container. */}}
{{- define "cardwatch.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* What kube-score finds of every pod, and why it stays so. Argument: the root.
     container-image-pull-policy: a tag is one version, and the nodes of a laptop's cluster may have
       images that no registry has. `image.pullPolicy` can be Always.
     container-ephemeral-storage-request-and-limit: nodes that keep no account of their disks, such
       as rootless kind's, run no pod that asks for a share.
     pod-networkpolicy: unless `networkPolicies` are enabled. */}}
{{- define "cardwatch.unchecked" -}}
container-image-pull-policy,container-ephemeral-storage-request-and-limit
{{- if not .Values.networkPolicies.enabled }},pod-networkpolicy{{ end }}
{{- end }}

{{/* Where pods may run. Argument: a component's values. */}}
{{- define "cardwatch.scheduling" -}}
{{- with .nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Topology spread constraints; those without labelSelector get the pods' own labels.
     Arguments: `constraints`, `labels`. */}}
{{- define "cardwatch.spread" -}}
{{- $selector := dict "labelSelector" (dict "matchLabels" .labels) -}}
{{- $all := list -}}
{{- range .constraints -}}
{{- $all = append $all (merge (deepCopy .) $selector) -}}
{{- end -}}
{{- toYaml $all -}}
{{- end }}

{{/* Whether clients of Kafka say who they are: empty if not. */}}
{{- define "cardwatch.kafkaUsers" -}}
{{- if ne .Values.kafka.authentication.type "none" }}yes{{ end -}}
{{- end }}

{{/* How Kafka is spoken to, by Kafka's own names. */}}
{{- define "cardwatch.kafkaProtocol" -}}
{{- if include "cardwatch.kafkaUsers" . }}SASL_{{ end }}{{ ternary "SSL" "PLAINTEXT" .Values.kafka.tls.enabled -}}
{{- end }}

{{/* Where a Kafka that is created listens. */}}
{{- define "cardwatch.kafkaPort" -}}
{{- ternary 9093 9092 .Values.kafka.tls.enabled -}}
{{- end }}

{{/* How Kafka is spoken to, as environment. Arguments: `root`, `name` such as "archiver". */}}
{{- define "cardwatch.kafkaEnvironment" -}}
{{- $users := .root.Values.kafka.authentication -}}
{{- $protocol := include "cardwatch.kafkaProtocol" .root -}}
{{- if ne $protocol "PLAINTEXT" -}}
- name: CARDWATCH_KAFKA_SECURITY_PROTOCOL
  value: {{ $protocol }}
{{- if include "cardwatch.kafkaUsers" .root }}
- name: CARDWATCH_KAFKA_SASL_MECHANISM
  value: {{ upper $users.type }}
- name: CARDWATCH_KAFKA_USERNAME
{{- if .root.Values.kafka.create }}
  value: cardwatch-{{ .name }}
{{- else }}
  valueFrom:
    secretKeyRef:
      name: {{ $users.existingSecret }}
      key: username
{{- end }}
- name: CARDWATCH_KAFKA_PASSWORD_FILE
  value: /etc/cardwatch/kafka/password
{{- end }}
{{- if include "cardwatch.kafkaCaSecret" .root }}
- name: CARDWATCH_KAFKA_CA_FILE
  value: /etc/cardwatch/kafka/ca.crt
{{- end }}
{{- end }}
{{- end }}

{{/* The Secret with what signs the brokers' certificates; empty: images know it. */}}
{{- define "cardwatch.kafkaCaSecret" -}}
{{- with .Values.kafka -}}
{{- if .tls.enabled }}{{ ternary "cardwatch-cluster-ca-cert" .tls.existingSecret .create }}{{ end -}}
{{- end -}}
{{- end }}

{{/* The volume of what that environment names, empty if it names nothing. Arguments as above. */}}
{{- define "cardwatch.kafkaVolume" -}}
{{- $ca := include "cardwatch.kafkaCaSecret" .root -}}
{{- $users := include "cardwatch.kafkaUsers" .root -}}
{{- if or $ca $users -}}
- name: kafka
  projected:
    sources:
      {{- if $users }}
      - secret:
          name: {{ ternary (printf "cardwatch-%s" .name) .root.Values.kafka.authentication.existingSecret .root.Values.kafka.create }}
          items:
            - {key: password, path: password}
      {{- end }}
      {{- if $ca }}
      - secret:
          name: {{ $ca }}
          items:
            - {key: ca.crt, path: ca.crt}
      {{- end }}
{{- end }}
{{- end }}

{{/* Where that volume is mounted. */}}
{{- define "cardwatch.kafkaMount" -}}
{{- if or (include "cardwatch.kafkaCaSecret" .) (include "cardwatch.kafkaUsers" .) -}}
- name: kafka
  mountPath: /etc/cardwatch/kafka
  readOnly: true
{{- end }}
{{- end }}

{{- define "cardwatch.bootstrapServers" -}}
{{- if .Values.kafka.create -}}
cardwatch-kafka-bootstrap:{{ include "cardwatch.kafkaPort" . }}
{{- else -}}
{{- .Values.kafka.bootstrapServers -}}
{{- end -}}
{{- end }}

{{/* The Secret with Valkey's address and password. */}}
{{- define "cardwatch.valkeySecret" -}}
{{- .Values.valkey.existingSecret | default "cardwatch-valkey" -}}
{{- end }}

{{/* How many copies of a record Kafka keeps. */}}
{{- define "cardwatch.replication" -}}
{{- min 3 (int .Values.kafka.brokers.replicas) -}}
{{- end }}

{{/* The folder of the job's state, without a slash at its end. */}}
{{- define "cardwatch.stateUri" -}}
{{- with .Values.job.storage -}}
{{- ternary "file:///var/lib/cardwatch" (trimSuffix "/" .uri) .claim.create -}}
{{- end -}}
{{- end }}
