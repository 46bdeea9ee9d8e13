import { Agent } from 'node:https';
import type { SecureContext } from 'node:tls';
import { createSecureContext } from 'node:tls';
import type { Meter } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import type { CollectionResult, IMetricReader } from '@opentelemetry/sdk-metrics';
import { MeterProvider, MetricReader, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import type { Logger } from 'pino';
import type { Clock } from './clock.ts';
import { whenAborted } from './clock.ts';
import { loadPackage } from './program-files.ts';
import type { PrometheusForm } from './prometheus-text.ts';
import { formatPrometheusText } from './prometheus-text.ts';
import type { Secret } from './secret.ts';
import { withSharedObservers } from './shared-observers.ts';
import type { PemSet } from './tls/pem-set.ts';
import type { ServerTlsConfig, TlsFilesConfig } from './tls/tls-config.ts';
import { TlsFiles } from './tls/tls-files.ts';

/** Section `service.telemetry`, without its logs. */
export interface TelemetryConfig {
  /** `none` switches every reader off. */
  readonly level: 'none' | 'basic' | 'normal' | 'detailed';
  /** Attributes of the resource, over the defaults; `undefined` takes a default away. */
  readonly resource: ReadonlyMap<string, string | undefined>;
  /** Address at which `/metrics` is served. */
  readonly prometheus: readonly PrometheusReaderConfig[];
  readonly otlp: readonly OtlpReaderConfig[];
}

export interface PrometheusReaderConfig {
  readonly host: string;
  readonly port: number;
  /** `undefined` for plain text. */
  readonly tls: ServerTlsConfig | undefined;
  /** Extension that knows the credentials of requests; empty = requests need none. */
  readonly authenticator: string;
  /** Names by which a listener on the loopback may be called, beside its own. Default: none. */
  readonly allowedHosts?: readonly string[];
  /** Endings of names; absent = none, as by the Collector's defaults. */
  readonly names?: Pick<PrometheusForm, 'hasUnits' | 'hasTypeSuffix'>;
}

/** A push of all metrics by OTLP over HTTP. */
export interface OtlpReaderConfig {
  readonly url: string;
  readonly headers: ReadonlyMap<string, Secret>;
  /** For https; what is not configured is the system's. */
  readonly tlsFiles: TlsFilesConfig;
  readonly intervalMs: number;
  readonly timeoutMs: number;
}

export interface ServiceIdentity {
  readonly name: string;
  readonly version: string;
  /** Different for each start. */
  readonly instanceId: string;
}

/** Dependencies for reading certificates again while the service runs. */
export interface TelemetryParts {
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The metrics of the process: one meter to make instruments with, a text to scrape, and pushes where configured. */
export class Telemetry {
  readonly meter: Meter;
  readonly #provider: MeterProvider;
  readonly #tlsFiles: TlsFiles[] = [];
  /** `undefined` when metrics are switched off. */
  readonly #pull: PullReader | undefined;

  /** `parts` are needed by pushes over TLS. */
  constructor(
    { level, resource, otlp }: TelemetryConfig,
    { name, version, instanceId }: ServiceIdentity,
    parts?: TelemetryParts,
  ) {
    const attributes = new Map<string, string | undefined>([
      ['service.name', name],
      ['service.instance.id', instanceId],
      ['service.version', version],
      ...resource,
    ]);
    this.#pull = level === 'none' ? undefined : new PullReader();
    this.#provider = new MeterProvider({
      resource: resourceFromAttributes(Object.fromEntries(attributes)),
      readers:
        this.#pull === undefined ? [] : [this.#pull, ...otlp.map((reader) => this.#createPushReader(reader, parts))],
    });
    this.meter = withSharedObservers(this.#provider.getMeter(name, version));
  }

  /** All metrics in the Prometheus text format, or as OpenMetrics. */
  async prometheusText(form: PrometheusForm = {}): Promise<string> {
    if (this.#pull === undefined) return form.isOpenMetrics ? '# EOF\n' : '';
    return formatPrometheusText((await this.#pull.collect()).resourceMetrics, form);
  }

  /** Pushes once more and gives up when `deadline` aborts. Never rejects: nobody can act on it any more. */
  async stop(deadline: AbortSignal): Promise<void> {
    for (const files of this.#tlsFiles) files.stop();
    await Promise.race([this.#provider.shutdown().catch(() => {}), whenAborted(deadline)]);
  }

  #createPushReader(
    { url, headers, tlsFiles, intervalMs, timeoutMs }: OtlpReaderConfig,
    parts: TelemetryParts | undefined,
  ): IMetricReader {
    const texts = Object.fromEntries([...headers].map(([name, text]) => [name, text.reveal()]));
    const startAgent = async (): Promise<TlsAgent> => {
      const agent = new TlsAgent();
      if (parts === undefined) throw new TypeError('a push over TLS needs a clock and a logger');
      const path = 'service.telemetry.metrics.readers.periodic.exporter.otlp';
      const dependencies = { part: 'service.telemetry', path, meter: this.meter, ...parts };
      const files = new TlsFiles(tlsFiles, dependencies, (set) => agent.use(set));
      this.#tlsFiles.push(files);
      agent.use(await files.start());
      return agent;
    };
    const { OTLPMetricExporter } = loadPackage<typeof import('@opentelemetry/exporter-metrics-otlp-proto')>(
      '@opentelemetry/exporter-metrics-otlp-proto',
    );
    return new PeriodicExportingMetricReader({
      exporter: new OTLPMetricExporter({
        url,
        headers: texts,
        timeoutMillis: timeoutMs,
        // Asked for at the first push, and again after a failure.
        ...(url.startsWith('https:') && { httpAgentOptions: startAgent }),
      }),
      exportIntervalMillis: intervalMs,
      exportTimeoutMillis: timeoutMs,
    });
  }
}

/** Collects when asked. */
class PullReader extends MetricReader {
  override async collect(): Promise<CollectionResult> {
    return super.collect();
  }

  protected override async onForceFlush(): Promise<void> {}

  protected override async onShutdown(): Promise<void> {}
}

/** Connections of Node's own HTTPS client, with certificates that may change: those to come have the newest. */
class TlsAgent extends Agent {
  #context: SecureContext | undefined;

  constructor() {
    // A session that is taken up again stands for the certificate that it began with.
    super({ keepAlive: true, maxCachedSessions: 0 });
  }

  use(set: PemSet): void {
    this.#context = createSecureContext(set);
  }

  override createConnection(
    options: Parameters<Agent['createConnection']>[0],
    callback: Parameters<Agent['createConnection']>[1],
  ): ReturnType<Agent['createConnection']> {
    return super.createConnection({ ...options, secureContext: this.#context } as typeof options, callback);
  }
}
