{{/* Whether there is an archive: empty if not. */}}
{{- define "cardwatch.archive" -}}
{{- if or .Values.postgres.create .Values.postgres.url }}yes{{ end -}}
{{- end }}

{{/* The Secret with the passwords of PostgreSQL's roles. */}}
{{- define "cardwatch.postgresSecret" -}}
{{- .Values.postgres.existingSecret | default "cardwatch-postgres" -}}
{{- end }}

{{/* As whom a component asks: empty, as the owner; else "gateway" or "visualizer", which its password's
     key and its role are called after. A visualizer that nobody is named for elsewhere asks as the
     gateway, which reads alone, too. Arguments: `root`, `name` such as "archiver". */}}
{{- define "cardwatch.postgresRole" -}}
{{- $name := .name -}}
{{- with .root.Values.postgres -}}
{{- if eq $name "visualizer" -}}
{{- if or .create .visualizerUrl }}visualizer{{ else if .gatewayUrl }}gateway{{ end -}}
{{- else if eq $name "gateway" -}}
{{- if or .create .gatewayUrl }}gateway{{ end -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* Where the archive is and as whom, without a password. Arguments as above. */}}
{{- define "cardwatch.postgresUrl" -}}
{{- $role := include "cardwatch.postgresRole" . -}}
{{- with .root.Values.postgres -}}
{{- if .create -}}
postgresql://cardwatch{{ with $role }}_{{ . }}{{ end }}@cardwatch-postgres:5432/cardwatch
{{- else -}}
{{- get . (ternary "url" (printf "%sUrl" $role) (empty $role)) -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* The archive as environment, nothing where there is none. Arguments as above. */}}
{{- define "cardwatch.postgresEnvironment" -}}
{{- if include "cardwatch.archive" .root -}}
- name: CARDWATCH_DATABASE_URL
  value: {{ include "cardwatch.postgresUrl" . | quote }}
- name: CARDWATCH_DATABASE_PASSWORD_FILE
  value: /etc/cardwatch/database/password
{{- end -}}
{{- end }}

{{/* The volume with that password, and with what signs the certificate of a PostgreSQL that is not
     created here, if the Secret has that. Arguments as above. */}}
{{- define "cardwatch.postgresVolume" -}}
{{- if include "cardwatch.archive" .root -}}
- name: database
  projected:
    sources:
      - secret:
          name: {{ include "cardwatch.postgresSecret" .root }}
          items:
            - {key: {{ with include "cardwatch.postgresRole" . }}{{ . }}-{{ end }}password, path: password}
      {{- if not .root.Values.postgres.create }}
      - secret:
          name: {{ include "cardwatch.postgresSecret" .root }}
          optional: true
          items:
            - {key: ca.crt, path: ca.crt}
      {{- end }}
{{- end -}}
{{- end }}

{{/* Where that volume is mounted. */}}
{{- define "cardwatch.postgresMount" -}}
{{- if include "cardwatch.archive" . -}}
- name: database
  mountPath: /etc/cardwatch/database
  readOnly: true
{{- end -}}
{{- end }}

{{/* The way out to it, as a rule of a NetworkPolicy. */}}
{{- define "cardwatch.toPostgres" -}}
{{- if .Values.postgres.create -}}
- to:
    - podSelector:
        matchLabels: {{- include "cardwatch.selector" (dict "root" . "name" "postgres") | nindent 10 }}
  ports:
    - {port: 5432, protocol: TCP}
{{- else if .Values.postgres.url -}}
{{- $hosts := regexReplaceAll "^[a-z]+://([^/?]*@)?([^/?]*).*$" .Values.postgres.url "${2}" -}}
- ports:
    {{- range regexFindAll ":[0-9]+" $hosts -1 | default (list ":5432") | uniq }}
    - {port: {{ trimPrefix ":" . }}, protocol: TCP}
    {{- end }}
{{- end -}}
{{- end }}

{{/* postgresql.conf: the chart's settings, and those of the values, which win. */}}
{{- define "cardwatch.postgresConfiguration" -}}
{{- $config := dict
  "listen_addresses" "*"
  "hba_file" "/etc/cardwatch/postgres/pg_hba.conf"
  "unix_socket_directories" "/var/run/postgresql"
  "timezone" "UTC"
  "log_timezone" "UTC"
  "max_wal_size" "1GB"
  "wal_compression" "on"
-}}
{{- range $name, $value := merge (deepCopy .Values.postgres.config) $config }}
{{ $name }} = '{{ $value | toString | replace "'" "''" }}'
{{- end }}
{{- end }}
