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

{{- define "cardwatch.bootstrapServers" -}}
{{- if .Values.kafka.create -}}
cardwatch-kafka-bootstrap:9092
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
