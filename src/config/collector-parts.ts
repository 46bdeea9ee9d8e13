import type { ComponentKind } from './component-type.ts';

const elsewhere = 'leave it to a Collector beside Framekeeper';
const profilesAlone = 'Framekeeper carries profiles alone: leave it to a Collector';

/**
 * Components of the OpenTelemetry Collector and its contrib that are not here, and what to use instead: by kind and type,
 * the end of a remedy. https://github.com/open-telemetry/opentelemetry-collector-contrib
 */
const substitutes: Readonly<Record<ComponentKind, Readonly<Record<string, string>>>> = {
  receiver: {
    nop: 'name "otlp" or "frames"',
    pprof: 'name "otlp", and let a Collector with that receiver send to it',
    profiling: 'run the OpenTelemetry eBPF profiler, and let it send to "otlp"',
    hostmetrics: profilesAlone,
    prometheus: profilesAlone,
    filelog: profilesAlone,
    jaeger: profilesAlone,
    zipkin: profilesAlone,
    kafka: elsewhere,
  },
  processor: {
    batch: 'batches are made by the exporter: write "sending_queue: {batch: {}}" there',
    queuebatch: 'batches are made by the exporter: write "sending_queue: {batch: {}}" there',
    queue_batch: 'batches are made by the exporter: write "sending_queue: {batch: {}}" there',
    attributes: 'put a Collector with it behind Framekeeper',
    transform: 'put a Collector with it behind Framekeeper',
    groupbyattrs: 'put a Collector with it behind Framekeeper',
    probabilistic_sampler: 'let the profiler sample at a lower rate',
    tail_sampling: profilesAlone,
    span: profilesAlone,
  },
  exporter: {
    logging: 'name "debug"',
    nop: 'name "debug"',
    pyroscope: 'name "otlp_grpc" with "dialect: pyroscope"',
    parca: 'name "otlp_grpc" with "dialect: parca"',
    elasticsearch: 'name "otlp_grpc" with "dialect: elastic", and send to a Collector with that exporter',
    kafka: 'name "otlp_grpc", and send to a Collector with that exporter',
    loadbalancing: 'name "otlp_grpc" with "balancer_name: round_robin" and a dns:/// endpoint',
    prometheus: 'metrics of Framekeeper itself are under service.telemetry.metrics',
    prometheusremotewrite: 'metrics of Framekeeper itself are under service.telemetry.metrics',
    loki: profilesAlone,
    jaeger: profilesAlone,
    zipkin: profilesAlone,
  },
  extension: {
    zpages: '"health_check" serves /status and /config, and "live_page" the last reporting cycles',
    pprof:
      'metrics under service.telemetry tell memory and CPU; to profile Framekeeper itself, run it with node --cpu-prof',
    healthcheckv2: 'name "health_check", which has component_health',
    health_check_v2: 'name "health_check", which has component_health',
    memory_ballast: 'name the processor "memory_limiter" in the pipelines',
    memory_limiter: 'name the processor "memory_limiter" in the pipelines',
    oauth2client: 'name "bearertokenauth" with a filename that another program renews',
    bearertokenauthextension: 'name "bearertokenauth"',
    basicauthextension: 'name "basicauth"',
    db_storage: 'name "file_storage"',
    redis_storage: 'name "file_storage"',
    headers_setter: 'write "headers" in the exporter',
    opamp: 'change the file and send SIGHUP to the process',
  },
};

/** The remedy for a type of the Collector's that is not here; `undefined` for any other word. */
export function substituteFor(kind: ComponentKind, type: string): string | undefined {
  const ofKind = substitutes[kind];
  return Object.hasOwn(ofKind, type) ? ofKind[type] : undefined;
}
