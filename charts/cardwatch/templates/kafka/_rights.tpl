{{/* What each component may do with Kafka, and no more. A test runs the platform with exactly these.
     Describe comes with Read and with Write. */}}
{{- define "cardwatch.kafkaRights" -}}
{{- $prefix := .Values.job.transactionalIdPrefix -}}
job:
  - type: topic
    names: [transactions, cards, user-habits, detector-configs, models, feedback]
    may: [Read]
  - type: topic
    names: [card-profiles, config-acks, model-stats, transaction-stats, verdicts]
    may: [Write]
  # What it writes exactly once it must be able to read: it asks who else has transactions there.
  # What came under another user's key it does read.
  - type: topic
    names: [alerts, transactions-dlq, transactions-rekeyed]
    may: [Read, Write]
  # Its offsets, for people and tools; and the claim on the prefix of its transactions.
  - type: group
    names: [cardwatch-job, cardwatch-claim-{{ $prefix }}]
    may: [Read]
  - type: transactionalId
    names: [{{ $prefix }}.]
    pattern: prefix
    may: [Write]
  # The brokers' transaction.max.timeout.ms.
  - type: cluster
    may: [DescribeConfigs]
operator:
  - type: topic
    names: [detector-configs, detector-config-history]
    may: [Read, Write]
  - type: topic
    names: [config-acks, alerts]
    may: [Read]
  - type: group
    names: [cardwatch-reader]
    may: [Describe]
  - type: transactionalId
    names: [cardwatch-detector-configs]
    may: [Write]
archiver:
  - type: topic
    names: [card-profiles{{ if include "cardwatch.archive" . }}, transactions, alerts, transaction-stats, feedback{{ end }}]
    may: [Read]
  - type: group
    names: [cardwatch-archiver]
    may: [Describe]
{{- if .Values.gateway.enabled }}
# It takes transactions, says what was decided of them, and pushes alerts. What it sends is idempotent,
# which comes with Write.
gateway:
  - type: topic
    names: [transactions, feedback]
    may: [Write]
  - type: topic
    names: [alerts, verdicts]
    may: [Read]
  - type: group
    names: [cardwatch-gateway]
    may: [Describe]
{{- end }}
{{- if .Values.generator.enabled }}
generator:
  - type: topic
    names: [transactions, cards]
    may: [Write]
{{- end }}
{{- if .Values.visualizer.enabled }}
# It shows what comes and how far everybody is: of our topics, and of all groups, by what these have
# committed. It joins none. Analysts' answers are idempotent, which comes with Write.
visualizer:
  - type: topic
    names: [alerts, cards, config-acks, detector-configs, detector-config-history, model-stats, models, transaction-stats, transactions, transactions-dlq]
    may: [Read]
  - type: topic
    names: [feedback]
    may: [Write]
  - type: topic
    names: [card-profiles, transactions-rekeyed, user-habits, verdicts]
    may: [Describe]
  - type: group
    names: ["*"]
    may: [Describe]
{{- end }}
# `helm test`, and who reads alerts as `helm install` says.
test:
  - type: topic
    names: [transactions]
    may: [Write]
  - type: topic
    names: [alerts]
    may: [Read]
  - type: group
    names: [cardwatch-smoke]
    may: [Read]
{{- end }}
