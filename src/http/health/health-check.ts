import type { FastifyInstance, FastifyReply } from 'fastify';
import type { ComponentType } from '../../config/component-type.ts';
import type { ComponentStatus } from '../../model/component-status.ts';
import type { Clock } from '../../support/clock.ts';
import type { HttpListenerConfig } from '../http-listener-config.ts';
import { httpListener } from '../http-listener-config.ts';
import type { HttpMount } from '../http-server.ts';
import type { ComponentHealthConfig, HealthCheckConfig } from './health-check-config.ts';
import { healthCheckTable } from './health-check-config.ts';
import type { AggregateStatus, HealthStatus, StatusEvent } from './health-status.ts';

export interface HealthCheckParts {
  readonly status: HealthStatus;
  readonly clock: Clock;
  /** The configuration with its defaults and without its secrets, as YAML. */
  readonly configText: () => string;
}

/**
 * Extension `health_check`: answers as the Collector's extension of that name does, `/status` as its healthcheckv2,
 * `/livez` and `/readyz` for Kubernetes, and `/config` with the configuration. Any method is answered, as there.
 */
export class HealthCheck implements HttpMount {
  readonly id: string;
  readonly isVital = true;
  readonly #config: HealthCheckConfig;
  readonly #status: HealthStatus;
  readonly #clock: Clock;
  readonly #configText: () => string;

  constructor(id: string, config: HealthCheckConfig, { status, clock, configText }: HealthCheckParts) {
    this.id = id;
    this.#config = config;
    this.#status = status;
    this.#clock = clock;
    this.#configText = configText;
  }

  addRoutes(app: FastifyInstance): void {
    const { path } = this.#config;
    // Go's mux takes a pattern that ends with "/" for everything below it, and probes have come to rely on that.
    app.all(path.endsWith('/') ? `${path}*` : path, (_request, reply) => this.#answerHealth(reply));
    app.all<{ Querystring: Record<string, string | string[] | undefined> }>('/status', ({ query }, reply) =>
      this.#answerStatus(reply, first(query.pipeline) ?? '', 'verbose' in query && first(query.verbose) !== 'false'),
    );
    app.all('/livez', (_request, reply) =>
      this.#status.isFatal ? answerText(reply, 500, 'fatal error') : answerText(reply, 200, 'ok'),
    );
    app.get('/config', (_request, reply) => reply.type('text/plain; charset=utf-8').send(this.#configText()));
    app.all('/readyz', (_request, reply) =>
      this.#isReady() ? answerText(reply, 200, 'ok') : answerText(reply, 503, 'not ready'),
    );
  }

  #isReady(): boolean {
    return this.#status.readySinceUnixNano !== undefined && this.#isHealthy(this.#status.aggregate(this.#firstError));
  }

  #answerHealth(reply: FastifyReply): FastifyReply {
    const since = this.#status.readySinceUnixNano;
    reply.code(since === undefined ? 503 : 200);
    const { responseBody } = this.#config;
    if (responseBody !== undefined) {
      return reply
        .type('text/plain; charset=utf-8')
        .send(since === undefined ? responseBody.unhealthy : responseBody.healthy);
    }
    return answerJson(reply, {
      status: since === undefined ? 'Server not available' : 'Server available',
      upSince: formatGoTime(since),
      uptime: since === undefined ? '' : formatGoDuration(this.#clock.unixNano() - since),
    });
  }

  #answerStatus(reply: FastifyReply, pipeline: string, isVerbose: boolean): FastifyReply {
    const status =
      pipeline === '' ? this.#status.aggregate(this.#firstError) : this.#status.aggregateOf(pipeline, this.#firstError);
    if (status === undefined) return reply.code(404).send();
    const isHealthy = (event: StatusEvent): boolean => this.#isHealthy(event);
    reply.code(isHealthy(status) ? statusCodes[status.status] : 500);
    return answerJson(reply, {
      start_time: formatGoTime(this.#status.startUnixNano),
      ...describe(status, isVerbose, isHealthy),
    });
  }

  /** As in healthcheckv2, the kind of errors that alone makes unhealthy is not hidden by the other. */
  get #firstError(): 'permanent_error' | 'recoverable_error' {
    const { includePermanentErrors, includeRecoverableErrors } = this.#config.componentHealth;
    return includeRecoverableErrors && !includePermanentErrors ? 'recoverable_error' : 'permanent_error';
  }

  #isHealthy({ status, monotonicMs }: StatusEvent): boolean {
    const config: ComponentHealthConfig = this.#config.componentHealth;
    if (status === 'permanent_error') return !config.includePermanentErrors;
    if (status === 'recoverable_error' && config.includeRecoverableErrors) {
      return this.#clock.nowMs() - (monotonicMs ?? 0) < config.recoveryDurationMs;
    }
    return status !== 'fatal_error';
  }
}

const statusCodes: Record<ComponentStatus, number> = {
  none: 503,
  starting: 503,
  ok: 200,
  recoverable_error: 200,
  permanent_error: 200,
  fatal_error: 500,
  stopping: 503,
  stopped: 503,
};

const statusNames: Record<ComponentStatus, string> = {
  none: 'StatusNone',
  starting: 'StatusStarting',
  ok: 'StatusOK',
  recoverable_error: 'StatusRecoverableError',
  permanent_error: 'StatusPermanentError',
  fatal_error: 'StatusFatalError',
  stopping: 'StatusStopping',
  stopped: 'StatusStopped',
};

function describe(status: AggregateStatus, isVerbose: boolean, isHealthy: (event: StatusEvent) => boolean): object {
  const components = [...status.components].map(([name, part]) => [name, describe(part, isVerbose, isHealthy)]);
  return {
    healthy: isHealthy(status),
    status: statusNames[status.status],
    ...(status.error === '' ? {} : { error: status.error }),
    status_time: formatGoTime(status.unixNano),
    ...(isVerbose && components.length > 0 ? { components: Object.fromEntries(components) } : {}),
  };
}

// As a buffer, because fastify adds a charset to the type of a text, and the original has none.
function answerJson(reply: FastifyReply, body: object): FastifyReply {
  return reply.header('content-type', 'application/json').send(Buffer.from(JSON.stringify(body)));
}

function answerText(reply: FastifyReply, code: number, text: string): FastifyReply {
  return reply.code(code).type('text/plain; charset=utf-8').send(`${text}\n`);
}

function first(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

/** HealthCheckType describes the extension `health_check`. */
interface HealthCheckType extends ComponentType<HealthCheckConfig> {
  readonly kind: 'extension';
  create(
    id: string,
    config: HealthCheckConfig,
    parts: HealthCheckParts,
  ): { readonly mount: HttpMount; readonly listener: HttpListenerConfig };
}

export const healthCheckType: HealthCheckType = {
  kind: 'extension',
  type: 'health_check',
  aliases: [],
  stability: 'alpha',
  table: healthCheckTable,
  changesInPlace: () => true,
  listens: (config) => [httpListener('', config)],
  create: (id, config, parts) => ({ mount: new HealthCheck(id, config, parts), listener: config }),
};

/** Nanoseconds since the Unix epoch as Go marshals a time: RFC 3339 in UTC, with no more decimals than needed. */
export function formatGoTime(unixNano: bigint | undefined): string {
  // Go's zero time is year 1.
  if (unixNano === undefined) return '0001-01-01T00:00:00Z';
  const seconds = new Date(Number(unixNano / 1_000_000_000n) * 1000).toISOString().slice(0, 19);
  const fraction = (unixNano % 1_000_000_000n).toString().padStart(9, '0').replace(/0+$/, '');
  return `${seconds}${fraction === '' ? '' : `.${fraction}`}Z`;
}

/** A duration as Go prints it (https://pkg.go.dev/time#Duration.String): `1h0m2.5s`, `1.5ms`, `0s`. */
export function formatGoDuration(nanoseconds: bigint): string {
  if (nanoseconds === 0n) return '0s';
  if (nanoseconds < 1_000n) return `${nanoseconds}ns`;
  if (nanoseconds < 1_000_000n) return `${decimal(nanoseconds, 1_000n)}µs`;
  if (nanoseconds < 1_000_000_000n) return `${decimal(nanoseconds, 1_000_000n)}ms`;
  const minutes = nanoseconds / 60_000_000_000n;
  const seconds = `${decimal(nanoseconds % 60_000_000_000n, 1_000_000_000n)}s`;
  if (minutes === 0n) return seconds;
  return minutes < 60n ? `${minutes}m${seconds}` : `${minutes / 60n}h${minutes % 60n}m${seconds}`;
}

function decimal(value: bigint, unit: bigint): string {
  const digits = unit.toString().length - 1;
  const fraction = (value % unit).toString().padStart(digits, '0').replace(/0+$/, '');
  return `${value / unit}${fraction === '' ? '' : `.${fraction}`}`;
}
