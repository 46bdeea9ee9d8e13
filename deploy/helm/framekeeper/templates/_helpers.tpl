{{- define "framekeeper.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end }}

{{- define "framekeeper.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains (include "framekeeper.name" .) .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "framekeeper.name" .) | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{- define "framekeeper.selectorLabels" -}}
app.kubernetes.io/name: {{ include "framekeeper.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "framekeeper.labels" -}}
{{ include "framekeeper.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "framekeeper.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "framekeeper.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end }}

{{- define "framekeeper.configMapName" -}}
{{- default (include "framekeeper.fullname" .) .Values.existingConfigMap -}}
{{- end }}

{{- /* A reference to an image, by digest where one is given. Input: dict with "image" and "tag", the tag in place of an empty one. */ -}}
{{- define "framekeeper.image" -}}
{{- if .image.digest -}}
{{- printf "%s@%s" .image.repository .image.digest -}}
{{- else -}}
{{- printf "%s:%s" .image.repository (default .tag .image.tag) -}}
{{- end -}}
{{- end }}

{{- /* The security context of the container. Added capabilities work for uid 0 alone: Kubernetes knows no ambient ones. */ -}}
{{- define "framekeeper.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
seccompProfile:
  type: RuntimeDefault
{{- if .Values.symbolizer.enabled }}
runAsUser: 0
runAsGroup: 0
capabilities:
  drop: [ALL]
  add:
    # Reads /proc/PID/maps and opens files below /proc/PID/root of processes of other users.
    - SYS_PTRACE
    # Lists /proc/PID/map_files and reads executables that only their owner may read.
    - DAC_READ_SEARCH
    # Opens /proc/PID/map_files/*: the mapped file itself, also after it was replaced or deleted.
    - CHECKPOINT_RESTORE
    # Shows addresses in /proc/kallsyms, for the names of kernel frames.
    - SYSLOG
{{- else }}
runAsNonRoot: true
runAsUser: 1000
runAsGroup: 1000
capabilities:
  drop: [ALL]
{{- end }}
{{- end }}

{{- /* The configuration that the values make, and .Values.config over it. */ -}}
{{- define "framekeeper.config" -}}
{{- $made := include "framekeeper.madeConfig" . | fromYaml -}}
{{- if hasKey $made "Error" -}}{{- fail (get $made "Error") -}}{{- end -}}
{{- mustMergeOverwrite $made (deepCopy .Values.config) | toYaml -}}
{{- end }}

{{- define "framekeeper.madeConfig" -}}
receivers:
  frames:
    protocols:
      grpc:
        endpoint: ${env:POD_IP}:4317
  otlp:
    protocols:
      grpc:
        endpoint: ${env:POD_IP}:4317
      http:
        endpoint: ${env:POD_IP}:4318
processors:
  memory_limiter:
    check_interval: 1s
    limit_percentage: 80
    spike_limit_percentage: 10
{{- if .Values.kubernetesAttributes.enabled }}
  k8s_attributes:
    filter:
      node_from_env_var: K8S_NODE_NAME
    extract:
      metadata:
        - service.name
        - service.namespace
        - service.version
        - service.instance.id
        - container.image.name
        - container.image.tags
        - k8s.container.name
        - k8s.cronjob.name
        - k8s.daemonset.name
        - k8s.deployment.name
        - k8s.job.name
        - k8s.namespace.name
        - k8s.node.name
        - k8s.pod.name
        - k8s.pod.start_time
        - k8s.pod.uid
        - k8s.statefulset.name
      otel_annotations: true
    pod_association:
      - sources:
          - from: resource_attribute
            name: container.id
{{- end }}
  resource/node:
    attributes:
      - key: k8s.node.name
        value: ${env:K8S_NODE_NAME}
        action: insert
      - key: host.name
        value: ${env:K8S_NODE_NAME}
        action: insert
  symbol_store:
{{- if .Values.persistence.enabled }}
    snapshot:
      path: /var/lib/framekeeper/symbols
{{- else }} {}
{{- end }}
{{- if .Values.symbolizer.enabled }}
  symbolizer: {}
{{- end }}
  reporting_cycle:
    interval: 5s
    jitter: 0.2
{{- if .Values.persistence.enabled }}
    storage: file_storage
{{- end }}
exporters:
  otlp_grpc:
{{- if .Values.destination.endpoint }}
    endpoint: {{ .Values.destination.endpoint | quote }}
{{- else }}
    endpoint: ""
    optional: true
{{- end }}
{{- if ne .Values.destination.dialect "otlp" }}
    dialect: {{ .Values.destination.dialect }}
{{- end }}
{{- if .Values.destination.tokenSecret }}
    auth:
      authenticator: bearertokenauth
{{- end }}
    retry_on_failure:
      max_elapsed_time: {{ if .Values.persistence.enabled }}0{{ else }}5m{{ end }}
    sending_queue:
{{- if .Values.persistence.enabled }}
      storage: file_storage
{{- else }}
      sizer: bytes
      queue_size: 67108864
{{- end }}
extensions:
  health_check:
    endpoint: ${env:POD_IP}:13133
  live_page:
    endpoint: ${env:POD_IP}:13133
{{- if .Values.destination.tokenSecret }}
  bearertokenauth:
    filename: /etc/framekeeper-token/token
{{- end }}
{{- if .Values.persistence.enabled }}
  file_storage:
    directory: /var/lib/framekeeper/queue
    create_directory: true
    max_size_mib: {{ .Values.persistence.maxSizeMib }}
{{- end }}
service:
  extensions:
    - health_check
    - live_page
{{- if .Values.destination.tokenSecret }}
    - bearertokenauth
{{- end }}
{{- if .Values.persistence.enabled }}
    - file_storage
{{- end }}
  pipelines:
    profiles:
      receivers: [frames, otlp]
      processors:
        - memory_limiter
{{- if .Values.kubernetesAttributes.enabled }}
        - k8s_attributes
{{- end }}
        - resource/node
        - symbol_store
{{- if .Values.symbolizer.enabled }}
        - symbolizer
{{- end }}
        - reporting_cycle
      exporters: [otlp_grpc]
  telemetry:
    metrics:
      readers:
        - pull:
            exporter:
              prometheus:
                host: ${env:POD_IP}
                port: 8888
{{- end }}

{{- define "framekeeper.profilerConfig" -}}
receivers:
  profiling:
    samples_per_second: {{ .Values.profiler.samplesPerSecond }}
    include_env_vars: {{ .Values.profiler.includeEnvVars | quote }}
exporters:
  otlp_grpc:
    endpoint: ${env:POD_IP}:4317
    tls:
      insecure: true
service:
  pipelines:
    profiles:
      receivers: [profiling]
      exporters: [otlp_grpc]
{{- end }}
