{{/* The Secret with what signs sessions, and with who may log in. `cardwatch-visualizer` is that of its
     KafkaUser. */}}
{{- define "cardwatch.visualizerSecret" -}}
{{- .Values.visualizer.login.existingSecret | default "cardwatch-visualizer-login" -}}
{{- end }}

{{/* Whether a user is generated: empty if not. */}}
{{- define "cardwatch.visualizerUser" -}}
{{- with .Values.visualizer -}}
{{- if and .enabled (eq .login.type "users") (not .login.existingSecret) }}yes{{ end -}}
{{- end -}}
{{- end }}

{{/* How people log in, as arguments; users and what signs sessions are files of the environment. */}}
{{- define "cardwatch.visualizerLogin" -}}
{{- with .Values.visualizer.login -}}
{{- if eq .type "none" -}}
- --no-login
# Only from within the pod, which is where `kubectl port-forward` comes from.
- --host
- "127.0.0.1"
{{- else if eq .type "proxy" -}}
- --proxy-networks
- {{ join "," .proxy.networks | quote }}
- --user-header
- {{ .proxy.userHeader | quote }}
- --groups-header
- {{ .proxy.groupsHeader | quote }}
- --analyst-groups
- {{ join "," .proxy.analystGroups | quote }}
{{- end -}}
{{- end -}}
{{- end }}

{{/* A probe of what answers at a path. Without logins it listens within its pod alone, where nobody but
     a program of the pod's reaches it. Arguments: `root`, `path`, `timeoutSeconds`. */}}
{{- define "cardwatch.visualizerProbe" -}}
{{- if eq .root.Values.visualizer.login.type "none" -}}
{{- $address := printf "http://127.0.0.1:8050%s" .path -}}
exec:
  command:
    - python
    - -c
    - from urllib.request import urlopen; urlopen("{{ $address }}", timeout={{ .timeoutSeconds }})
{{- else -}}
httpGet:
  path: {{ .path }}
  port: http
{{- end }}
timeoutSeconds: {{ .timeoutSeconds }}
{{- end }}
