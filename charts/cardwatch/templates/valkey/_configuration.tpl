{{- define "cardwatch.valkeyConfiguration" -}}
include /run/secrets/valkey/auth.conf
bind * -::*
port 6379
dir /data
maxmemory {{ .Values.valkey.maxMemory }}
maxmemory-policy noeviction
save ""
appendonly {{ ternary "yes" "no" .Values.valkey.persistence.enabled }}
{{- end }}
