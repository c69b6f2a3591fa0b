{{/* What values.schema.json cannot say, or not so that the message helps. */}}
{{- define "cardwatch.checks" -}}
{{- with .Values }}
{{- if and (not .kafka.create) (not .kafka.bootstrapServers) }}
{{- fail "kafka.bootstrapServers is empty: it is needed where kafka.create is false, such as kafka.example.com:9092" }}
{{- end }}
{{- if and .kafka.create .kafka.bootstrapServers }}
{{- fail "kafka.bootstrapServers is for a Kafka that exists already: set kafka.create to false, or leave it empty" }}
{{- end }}
{{- $users := ne .kafka.authentication.type "none" }}
{{- if and .kafka.create (or .kafka.tls.existingSecret .kafka.authentication.existingSecret) }}
{{- fail "kafka.tls.existingSecret and kafka.authentication.existingSecret are for a Kafka that exists already: Strimzi makes those of one that is created" }}
{{- end }}
{{- if and .kafka.create $users (ne .kafka.authentication.type "scram-sha-512") }}
{{- fail (printf "kafka.authentication.type is %s, and a Kafka that is created offers scram-sha-512" .kafka.authentication.type) }}
{{- end }}
{{- if and (not .kafka.create) $users (not .kafka.authentication.existingSecret) }}
{{- fail "kafka.authentication.existingSecret is empty: its keys `username` and `password` say as whom Kafka is used" }}
{{- end }}
{{- if or (and (not $users) .kafka.authentication.existingSecret) (and (not .kafka.tls.enabled) .kafka.tls.existingSecret) }}
{{- fail "a Secret for Kafka is named, and would not be used: set kafka.authentication.type or kafka.tls.enabled, or leave it empty" }}
{{- end }}
{{- if and (eq .kafka.authentication.type "plain") (not .kafka.tls.enabled) }}
{{- fail "kafka.authentication.type plain sends the password as it is: set kafka.tls.enabled" }}
{{- end }}
{{- if and (not .job.storage.claim.create) (not .job.storage.uri) }}
{{- fail "job.storage.uri is empty: it is needed where job.storage.claim.create is false, such as s3://bucket/cardwatch" }}
{{- end }}
{{- if and .job.storage.claim.create .job.storage.uri }}
{{- fail "job.storage has both a uri and a claim: set job.storage.claim.create to false, or leave job.storage.uri empty" }}
{{- end }}
{{- if and (not .valkey.create) (not .valkey.existingSecret) }}
{{- fail "valkey.existingSecret is empty: where valkey.create is false, its key `url` says where Valkey is" }}
{{- end }}
{{- if and .networkPolicies.enabled (not .valkey.create) .gateway.enabled (not .networkPolicies.extraEgress.gateway) }}
{{- fail "networkPolicies.extraEgress.gateway is empty: the gateway would not reach the Valkey that valkey.existingSecret names" }}
{{- end }}
{{- with .postgres }}
{{- if and .create (or .url .gatewayUrl .visualizerUrl) }}
{{- fail "postgres.url, postgres.gatewayUrl and postgres.visualizerUrl are for a PostgreSQL that exists already: set postgres.create to false, or leave them empty" }}
{{- end }}
{{- if and (or .gatewayUrl .visualizerUrl) (not .url) (not .create) }}
{{- fail "postgres.url is empty: where postgres.gatewayUrl or postgres.visualizerUrl is set, the archiver needs an address, too" }}
{{- end }}
{{- if and .url (not .existingSecret) }}
{{- fail "postgres.existingSecret is empty: its key `password` is that of the user of postgres.url" }}
{{- end }}
{{- if and .existingSecret (not .create) (not .url) }}
{{- fail "postgres.existingSecret is set, and would not be used: set postgres.url or postgres.create, or leave it empty" }}
{{- end }}
{{- end }}
{{- with .gateway }}
{{- if and .ingress.enabled (not .ingress.host) }}
{{- fail "gateway.ingress.host is empty: the gateway is asked for by that name, such as cardwatch.example.com" }}
{{- end }}
{{- if gt (int .autoscaling.minReplicas) (int .autoscaling.maxReplicas) }}
{{- fail "gateway.autoscaling.minReplicas is above gateway.autoscaling.maxReplicas" }}
{{- end }}
{{- end }}
{{- $policies := .networkPolicies.enabled }}
{{- with .visualizer }}
{{- if and .ingress.enabled (not .ingress.host) }}
{{- fail "visualizer.ingress.host is empty: the visualizer is asked for by that name, such as cardwatch.example.com" }}
{{- end }}
{{- if and .ingress.enabled (eq .login.type "none") }}
{{- fail "visualizer.ingress leads to nobody: with visualizer.login.type none only `kubectl port-forward` does, as everybody may do everything" }}
{{- end }}
{{- if and (ne .login.type "users") .login.existingSecret }}
{{- fail (printf "visualizer.login.existingSecret is set, and would not be used: set visualizer.login.type, which is %s, to users, or leave it empty" .login.type) }}
{{- end }}
{{- if and (eq .login.type "proxy") (not .login.proxy.networks) }}
{{- fail "visualizer.login.proxy.networks is empty: from there alone the proxy's headers are believed, such as 10.244.0.0/16" }}
{{- end }}
{{- if and (ne .login.type "proxy") .login.proxy.networks }}
{{- fail (printf "visualizer.login.proxy.networks is set, and would not be used: set visualizer.login.type, which is %s, to proxy, or leave it empty" .login.type) }}
{{- end }}
{{- if and $policies (eq .login.type "proxy") (not .clients) }}
{{- fail "visualizer.clients is empty: every pod of visualizer.login.proxy.networks could say that it asks for somebody. Name the proxy's pods" }}
{{- end }}
{{- end }}
{{- if and .networkPolicies.enabled (not .valkey.create) (not .networkPolicies.extraEgress.archiver) }}
{{- fail "networkPolicies.extraEgress.archiver is empty: the archiver would not reach the Valkey that valkey.existingSecret names" }}
{{- end }}
{{- if and .networkPolicies.enabled (not .valkey.create) .visualizer.enabled (not .networkPolicies.extraEgress.visualizer) }}
{{- fail "networkPolicies.extraEgress.visualizer is empty: the visualizer would not reach the Valkey that valkey.existingSecret names" }}
{{- end }}
{{- with .tracing }}
{{- if and .enabled (not .jaeger.create) (not .jaeger.endpoint) }}
{{- fail "tracing.jaeger.endpoint is empty: it is needed where tracing.jaeger.create is false, such as jaeger.example.com:4317" }}
{{- end }}
{{- if and .jaeger.create .jaeger.endpoint }}
{{- fail "tracing.jaeger.endpoint is for a Jaeger that exists already: set tracing.jaeger.create to false, or leave it empty" }}
{{- end }}
{{- end }}
{{- if gt (int .autoscaling.minReplicas) (int .autoscaling.maxReplicas) }}
{{- fail "autoscaling.minReplicas is above autoscaling.maxReplicas" }}
{{- end }}
{{- /* What Flink takes of `memory` beside Python and the heap: see job/_configuration.tpl. */}}
{{- $taken := dict "jobManager" 384 "taskManager" 576 }}
{{- range $part, $ours := $taken }}
{{- $of := get $.Values.job $part }}
{{- if lt ($of.cpuLimit | float64) ($of.cpu | float64) }}
{{- fail (printf "job.%s.cpuLimit is %v, below cpu, which is %v" $part $of.cpuLimit $of.cpu) }}
{{- end }}
{{- $left := sub (trimSuffix "m" $of.memory | int) (trimSuffix "m" $of.pythonMemory | int) }}
{{- $heap := sub $left $ours }}
{{- if lt $heap 256 }}
{{- fail (printf "job.%s.memory of %s leaves %dm for the heap, beside pythonMemory of %s and %dm for the rest of Flink: 256m are the least" $part $of.memory $heap $of.pythonMemory $ours) }}
{{- end }}
{{- end }}
{{- end }}
{{- /* A cluster that answers lists its kinds; without one there are only groups and versions. */ -}}
{{- $known := .Capabilities.APIVersions }}
{{- if $known.Has "v1/ConfigMap" }}
{{- if not ($known.Has "flink.apache.org/v1beta1/FlinkDeployment") }}
{{- fail "the cluster does not know FlinkDeployments: install charts/cardwatch-operators first" }}
{{- end }}
{{- if and .Values.kafka.create (not ($known.Has "kafka.strimzi.io/v1/Kafka")) }}
{{- fail "the cluster does not know Kafka of kafka.strimzi.io/v1: install charts/cardwatch-operators first, or set kafka.create to false" }}
{{- end }}
{{- end }}
{{- end }}
