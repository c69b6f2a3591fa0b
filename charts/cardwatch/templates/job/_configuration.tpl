{{/* Flink's configuration: that of the laptop's stack (tests/contract holds both together), and what
     Kubernetes adds. The job's own command line says the rest. */}}
{{- define "cardwatch.flinkConfiguration" -}}
{{- $job := .Values.job -}}
{{- $state := include "cardwatch.stateUri" . -}}
{{- $scheduler := "jobmanager.adaptive-scheduler" -}}
# TaskManagers come and go, and the job takes those that are there. It waits no longer than needed:
# at Flink's defaults nothing rescales within half a minute.
scheduler-mode: reactive
taskmanager.numberOfTaskSlots: "1"
{{ $scheduler }}.submission.resource-stabilization-timeout: 1 s
{{ $scheduler }}.executing.resource-stabilization-timeout: 1 s
{{ $scheduler }}.executing.cooldown-after-rescaling: 1 s
cluster.registration.error-delay: 500 ms
heartbeat.interval: 2 s
heartbeat.timeout: 10 s
restart-strategy.type: fixed-delay
restart-strategy.fixed-delay.delay: 4 s
restart-strategy.fixed-delay.attempts: "2147483647"
# Where Kafka is away while the JobManager starts, its container is to start again. By the Flink
# operator's default a failed job would take its place, and what it had remembered would be gone.
execution.submit-failed-job-on-application-error: "false"
kubernetes.operator.job.restart.failed: "true"
high-availability.type: kubernetes
high-availability.storageDir: {{ $state }}/high-availability
state.backend.type: hashmap
execution.checkpointing.interval: {{ $job.checkpointIntervalMs | int64 }} ms
execution.checkpointing.timeout: 60 s
execution.checkpointing.dir: {{ $state }}/checkpoints
execution.checkpointing.savepoint-dir: {{ $state }}/savepoints
execution.checkpointing.externalized-checkpoint-retention: RETAIN_ON_CANCELLATION
# A library of machine code, as Python's is, can be loaded once.
classloader.resolve-order: parent-first
web.submit.enable: "false"
io.tmp.dirs: /tmp
{{- with $job.jobManager }}
jobmanager.memory.jvm-overhead.min: {{ .pythonMemory }}
jobmanager.memory.jvm-overhead.max: {{ .pythonMemory }}
kubernetes.jobmanager.cpu.limit-factor: {{ divf .cpuLimit .cpu | quote }}
{{- end }}
{{- with $job.taskManager }}
taskmanager.memory.jvm-overhead.min: {{ .pythonMemory }}
taskmanager.memory.jvm-overhead.max: {{ .pythonMemory }}
taskmanager.memory.framework.off-heap.size: 192m
taskmanager.memory.network.min: 64m
taskmanager.memory.network.max: 64m
taskmanager.memory.managed.size: 64m
taskmanager.memory.jvm-metaspace.size: 256m
kubernetes.taskmanager.cpu.limit-factor: {{ divf .cpuLimit .cpu | quote }}
{{- end }}
env.java.opts.all: {{ include "cardwatch.openModules" . | fromYamlArray | join " " }}
# With G1 a transaction takes a tenth more of CPU time.
env.java.opts.taskmanager: -XX:+UseParallelGC
{{- if .Values.monitoring.enabled }}
metrics.reporters: prom
metrics.reporter.prom.factory.class: org.apache.flink.metrics.prometheus.PrometheusReporterFactory
metrics.reporter.prom.port: "9249"
# Else a config's name would lose its hyphens.
metrics.reporter.prom.filterLabelValueCharacters: "false"
{{- end }}
{{- end }}

{{/* What Flink needs of Java 17 and later, from its own default configuration. */}}
{{- define "cardwatch.openModules" -}}
- --add-exports=java.rmi/sun.rmi.registry=ALL-UNNAMED
- --add-exports=java.security.jgss/sun.security.krb5=ALL-UNNAMED
- --add-opens=java.base/java.lang=ALL-UNNAMED
- --add-opens=java.base/java.net=ALL-UNNAMED
- --add-opens=java.base/java.io=ALL-UNNAMED
- --add-opens=java.base/java.nio=ALL-UNNAMED
- --add-opens=java.base/sun.nio.ch=ALL-UNNAMED
- --add-opens=java.base/java.lang.reflect=ALL-UNNAMED
- --add-opens=java.base/java.text=ALL-UNNAMED
- --add-opens=java.base/java.time=ALL-UNNAMED
- --add-opens=java.base/java.util=ALL-UNNAMED
- --add-opens=java.base/java.util.concurrent=ALL-UNNAMED
- --add-opens=java.base/java.util.concurrent.atomic=ALL-UNNAMED
- --add-opens=java.base/java.util.concurrent.locks=ALL-UNNAMED
{{- end }}
