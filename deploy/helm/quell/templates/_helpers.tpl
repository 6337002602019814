{{- define "quell.fullname" -}}
{{- $default := .Release.Name -}}
{{- if not (contains "quell" .Release.Name) -}}
{{- $default = printf "%s-quell" .Release.Name -}}
{{- end -}}
{{- /* A pod's name is a label's value: 63 characters, of which StatefulSets append some. */ -}}
{{- .Values.fullnameOverride | default $default | trunc 48 | trimSuffix "-" -}}
{{- end -}}

{{- define "quell.selector" -}}
app.kubernetes.io/name: quell
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "quell.labels" -}}
{{ include "quell.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "quell.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{- /* The profile `restricted` of the Pod Security Standards; no writing outside of volumes. */ -}}
{{- define "quell.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "quell.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{- /* The cluster's settings as environment variables, for the job too: it runs before there is a
ConfigMap of this release. Kubernetes puts in $(KAFKA_USERNAME) and $(KAFKA_PASSWORD). */ -}}
{{- define "quell.kafkaEnv" -}}
{{- $kafka := .Values.kafka -}}
{{- $properties := list -}}
{{- range $name, $value := $kafka.properties -}}
{{- if contains "," (toString $value) -}}
{{- fail (printf "kafka.properties: %s: Quell reads a comma as the end of the property" $name) -}}
{{- end -}}
{{- $properties = append $properties (printf "%s=%s" $name (include "quell.scalar" $value)) -}}
{{- end -}}
{{- if $kafka.credentials.secretName }}
- name: KAFKA_USERNAME
  valueFrom:
    secretKeyRef:
      name: {{ $kafka.credentials.secretName }}
      key: {{ $kafka.credentials.usernameKey }}
- name: KAFKA_PASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ $kafka.credentials.secretName }}
      key: {{ $kafka.credentials.passwordKey }}
{{- $properties = append $properties "sasl.username=$(KAFKA_USERNAME)" -}}
{{- $properties = append $properties "sasl.password=$(KAFKA_PASSWORD)" -}}
{{- end }}
- name: QUELL__KAFKA__BROKERS
  value: {{ $kafka.brokers | quote }}
- name: QUELL__KAFKA__INPUTS
  value: {{ join "," $kafka.inputs | quote }}
- name: QUELL__KAFKA__PREFIX
  value: {{ $kafka.prefix | quote }}
{{- with $properties }}
- name: QUELL__KAFKA__PROPERTIES
  value: {{ join "," . | quote }}
{{- end }}
{{- end -}}

{{- /* A number as it was written: Helm reads all numbers as floating ones. */ -}}
{{- define "quell.scalar" -}}
{{- if and (kindIs "float64" .) (eq (floor .) .) -}}
{{- int64 . -}}
{{- else -}}
{{- toString . -}}
{{- end -}}
{{- end -}}

{{- /* One line of quell.toml. Quell takes every value as text too; JSON's quoting is TOML's. */ -}}
{{- define "quell.setting" -}}
{{- $value := .value -}}
{{- if kindIs "slice" $value -}}
{{- $value = join "," $value -}}
{{- end -}}
{{ .key }} = {{ include "quell.scalar" $value | toJson }}
{{- end -}}

{{- /* A built-in name, or the place where the text that was given is mounted. */ -}}
{{- define "quell.nameOrFile" -}}
{{- $chosen := index . 0 -}}
{{- if $chosen.file -}}
{{ printf "/etc/quell/configuration/%s" (index . 1) | toJson }}
{{- else -}}
{{ $chosen.name | toJson }}
{{- end -}}
{{- end -}}
