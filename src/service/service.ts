import type { Meter } from '@opentelemetry/api';
import { stringify } from 'yaml';
import type { CheckedConfig, ConfiguredComponent } from '../config/check-document.ts';
import { isOfType } from '../config/check-document.ts';
import type { ComponentKind } from '../config/component-type.ts';
import type { PipelineConfig } from '../config/config-document.ts';
import type { Endpoint } from '../config/endpoint.ts';
import { formatEndpoint } from '../config/endpoint.ts';
import type { ExporterType } from '../exporters/exporter-type.ts';
import type { ProfilesExporter } from '../exporters/profiles-exporter.ts';
import { DurableRequests } from '../exporters/storage/durable-requests.ts';
import { HealthStatus } from '../http/health/health-status.ts';
import type { HttpPart } from '../http/http-server.ts';
import { MetricsEndpoint } from '../http/metrics/metrics-endpoint.ts';
import { giveMemoryBack } from '../memory/give-memory-back.ts';
import { createProcessMemory } from '../memory/process-memory.ts';
import type { RequestGuard } from '../model/authentication.ts';
import type { ReportStatus } from '../model/component-status.ts';
import type { ConnectJournal } from '../model/request-journal.ts';
import { createPipeline } from '../pipeline/create-pipeline.ts';
import type { Pipeline, PipelineParts } from '../pipeline/pipeline.ts';
import { GrpcServers } from '../receivers/grpc-servers.ts';
import type { OwnProfiles } from '../receivers/otlp/profiles-intake.ts';
import type { PipelineEntry } from '../receivers/receiver-type.ts';
import { reportingCycleType } from '../reporter/reporting-cycle-config.ts';
import type { SegmentLog } from '../storage/segment-log.ts';
import type { Component, LifecycleStatus } from '../support/lifecycle.ts';
import { Lifecycle } from '../support/lifecycle.ts';
import { componentLogger, setLogLevel } from '../support/logger.ts';
import { observeProcess } from '../support/process-metrics.ts';
import type { ProfileIds } from '../support/profile-ids.ts';
import type { Telemetry } from '../support/telemetry.ts';
import type { ServiceComponentType, ServiceConfig } from './components.ts';
import { Extensions } from './extensions.ts';
import { outletsToPages } from './live-report.ts';
import { destinationsOf } from './own-destinations.ts';
import type { Kind, ReloadPlan } from './reload-plan.ts';
import { planReload, withoutFailed } from './reload-plan.ts';
import { RunningExporters } from './running-exporters.ts';
import { RunningHttp } from './running-http.ts';
import { RunningReceivers } from './running-receivers.ts';

export interface ServiceParts extends Omit<PipelineParts, 'meter' | 'createProfileId'> {
  readonly telemetry: Telemetry;
  readonly profileIds: ProfileIds;
}

export interface ShutdownDeadlines {
  /** For receivers to end what clients have begun: a client that hangs must not take the time of all that comes after. */
  readonly receivers: AbortSignal;
  /** For the whole. */
  readonly all: AbortSignal;
}

/** ReloadResult is a plan that was carried out but for the exporters that could not start, by identifier. */
export interface ReloadResult extends ReloadPlan {
  readonly failed: ReadonlyMap<string, unknown>;
}

/** A component and its kind, for its status. */
interface Member extends Component {
  readonly kind: ComponentKind | 'exporters' | 'receivers' | 'http';
}

/**
 * The composition root: makes the parts that a configuration names, connects them, starts them from the end of the data's
 * way to its beginning and stops them in reverse. Health says "not ready" until all have started and first thing at
 * a stop, and is the last to go.
 */
export class Service {
  #config: ServiceConfig;
  readonly #parts: ServiceParts;
  readonly #health: HealthStatus;
  readonly #extensions: Extensions;
  readonly #grpcServers: GrpcServers;
  readonly #http: RunningHttp;
  readonly #metricsMounts: readonly HttpPart[];
  readonly #pipelines: ReadonlyMap<string, Pipeline>;
  readonly #receivers: RunningReceivers;
  readonly #exporters: RunningExporters;
  readonly #lifecycle: Lifecycle<Member>;
  readonly #stopObserving: () => void;
  #receiverDeadline = new AbortController().signal;
  #stopped: Promise<void> | undefined;

  constructor(config: ServiceConfig, parts: ServiceParts) {
    this.#config = config;
    this.#parts = parts;
    const { clock, logger, telemetry } = parts;
    const { meter } = telemetry;
    this.#health = new HealthStatus(pipelineMembers(config), clock);
    this.#extensions = new Extensions(config, {
      status: this.#health,
      receivers: () => listenersOf(this.#config),
      configText: () => stringify(this.#config.printable),
      clock,
      meter,
      logger,
    });
    const guardOf = (authenticator: string): RequestGuard | undefined => this.#extensions.guardOf(authenticator);
    this.#grpcServers = new GrpcServers({ clock, meter, logger, guardOf });
    this.#metricsMounts = this.#metricsParts();
    this.#http = new RunningHttp([...this.#extensions.httpParts(), ...this.#metricsMounts], {
      ...{ clock, logger, meter },
      report: (id, status, error) => this.#report({ id, kind: 'extension' }, status, error),
      forget: (id) => this.#health.forget(id, 'extension'),
    });
    this.#exporters = new RunningExporters(config, {
      create: (component) => this.#createExporter(component),
      report: (id, status, error) => this.#report({ id, kind: 'exporter' }, status, error),
      forget: (id) => this.#health.forget(id, 'exporter'),
    });
    const pipelines = [...config.pipelines].map(([id, pipeline]) => {
      const pages = outletsToPages(this.#extensions.pages, clock);
      const journalLog = this.#journalLogOf(id, pipeline);
      return createPipeline(
        id,
        config,
        { exporters: this.#exporters.exportersOf(id), ...pages, journalLog },
        { ...parts, meter, createProfileId: () => parts.profileIds.create() },
      );
    });
    this.#pipelines = new Map(pipelines.map((pipeline) => [pipeline.id, pipeline]));
    this.#receivers = this.#createReceivers();
    this.#lifecycle = this.#createLifecycle(pipelines);
    const ends = [observeProcess(meter, clock), giveMemoryBack(createProcessMemory(), clock)];
    this.#stopObserving = () => {
      for (const end of ends) end();
    };
  }

  /** Rejects when a part cannot start, after all of them were stopped. */
  async start(): Promise<void> {
    try {
      await this.#lifecycle.start();
    } catch (error) {
      this.#stopObserving();
      await this.#parts.telemetry.stop(AbortSignal.abort());
      throw error;
    }
    this.#grpcServers.setServing(true);
    this.#health.markReady();
    this.#parts.logger.info('Everything is ready. Begin running and processing data.');
  }

  /**
   * Changes to another configuration that was checked, as far as that can be done in place; the rest is named in
   * `restart` of the plan. Parts that did not change keep their windows, queues and connections. New data meets the new
   * exporters and processors: receivers come last.
   */
  async reload(next: ServiceConfig, { receivers, all }: ShutdownDeadlines): Promise<ReloadResult> {
    const plan = planReload(this.#config, next);
    const running = this.#config;
    const failed = new Map<string, unknown>();
    const note = (kind: Kind, errors: ReadonlyMap<string, unknown>): void => {
      for (const [id, error] of errors) failed.set(`${kind}.${id}`, error);
      this.#config = withoutFailed(
        this.#config,
        running,
        Array.from(errors.keys(), (id) => [kind, id] as const),
      );
    };
    this.#config = plan.config;
    this.#health.setPipelines(pipelineMembers(plan.config));
    setLogLevel(this.#parts.logger, plan.config.telemetry.logs.level);
    note('exporters', await this.#exporters.replace(plan.config, plan.exporters, all));
    if (plan.processors.length > 0) for (const pipeline of this.#pipelines.values()) pipeline.reconfigure(plan.config);
    if (plan.extensions.length > 0) note('extensions', await this.#replaceExtensions(plan, all));
    if (plan.receivers.length > 0 || plan.removed.some((path) => path.startsWith('receivers.'))) {
      note('receivers', await this.#receivers.replace(plan.config, plan.receivers, AbortSignal.any([receivers, all])));
      this.#grpcServers.setServing(this.#health.readySinceUnixNano !== undefined);
    }
    return { ...plan, failed };
  }

  async #replaceExtensions({ config, extensions }: ReloadPlan, deadline: AbortSignal): Promise<Map<string, unknown>> {
    const serve = (parts: readonly HttpPart[]): Promise<void> =>
      this.#http.replace([...parts, ...this.#metricsMounts], deadline);
    try {
      await this.#extensions.replace(config, extensions, serve);
      return new Map();
    } catch (error) {
      return new Map(extensions.map((id) => [id, error]));
    }
  }

  /** Gives every part until its deadline to finish what it has in hand. Once: a second call waits for the first. */
  stop(deadlines: ShutdownDeadlines): Promise<void> {
    this.#stopped ??= this.#stop(deadlines);
    return this.#stopped;
  }

  async #stop({ receivers, all }: ShutdownDeadlines): Promise<void> {
    this.#parts.logger.info('Starting shutdown...');
    this.#health.markNotReady();
    this.#grpcServers.setServing(false);
    this.#receiverDeadline = receivers;
    await this.#lifecycle.stop(all);
    this.#stopObserving();
    await this.#parts.telemetry.stop(all);
    this.#parts.logger.info('Shutdown complete.');
  }

  get meter(): Meter {
    return this.#parts.telemetry.meter;
  }

  /** Addresses of the HTTP servers, by the parts that they serve. */
  get httpAddresses(): ReadonlyMap<string, Endpoint> {
    return this.#http.addresses;
  }

  /** At which ports the receivers listen, by identifier; a port for OTLP over HTTP by `identifier:http`. */
  get receiverPorts(): ReadonlyMap<string, number> {
    return this.#receivers.ports;
  }

  /** The metrics as Prometheus text, once for each reader. */
  #metricsParts(): HttpPart[] {
    const { telemetry } = this.#parts;
    return this.#config.telemetry.metrics.prometheus.map((reader) => {
      const { host, port, tls, authenticator, allowedHosts = [], names } = reader;
      const collect = (isOpenMetrics: boolean) => telemetry.prometheusText({ ...names, isOpenMetrics });
      const mount = new MetricsEndpoint(collect, names?.hasTypeSuffix);
      return { endpoint: { host, port }, tls, guard: this.#extensions.guardOf(authenticator), allowedHosts, mount };
    });
  }

  #createExporter({ id, type, config }: ConfiguredComponent<ExporterType>): Component & ProfilesExporter {
    const { telemetry, clock, random } = this.#parts;
    const logger = componentLogger(this.#parts.logger, 'exporter', id);
    const named = type.refersTo(config);
    const log = this.#extensions.storages.get(named.storage)?.logOf('exporter', id);
    const storage = log && new DurableRequests(id, log, { logger, meter: telemetry.meter, clock });
    const credentials = this.#extensions.credentialsOf(named.authenticator);
    const reportStatus: ReportStatus = (status, error) => this.#health.report(id, 'exporter', status, error);
    const own = { logger, meter: telemetry.meter, clock, random, storage, credentials, reportStatus };
    return type.create(id, config, own);
  }

  /** The log of a pipeline's journal; `undefined` without one. */
  #journalLogOf(id: string, { processors }: PipelineConfig): SegmentLog | undefined {
    const cycle = processors
      .map((each) => this.#config.processors.get(each))
      .find((each) => isOfType(each, reportingCycleType));
    return this.#extensions.storages.get(cycle?.config.storage ?? '')?.logOf('pipeline', id);
  }

  #createReceivers(): RunningReceivers {
    const { clock, telemetry, logger } = this.#parts;
    return new RunningReceivers(this.#config, {
      create: ({ id, type, config }, pipelineId) =>
        type.create(id, config, {
          entry: entryOf(this.#pipelines.get(pipelineId)!, id, this.#ownProfilesOf(pipelineId)),
          grpcServers: this.#grpcServers,
          guardOf: (authenticator) => this.#extensions.guardOf(authenticator),
          clock,
          meter: telemetry.meter,
          logger: componentLogger(logger, 'receiver', id),
        }),
      report: (id, status, error) => this.#report({ id, kind: 'receiver' }, status, error),
      forget: (id) => this.#health.forget(id, 'receiver'),
      forgetServers: () => this.#grpcServers.forgetStopped(),
    });
  }

  #ownProfilesOf(pipelineId: string): OwnProfiles {
    const { prefix } = this.#parts.profileIds;
    return { idPrefix: prefix, destinations: () => destinationsOf(this.#config, pipelineId) };
  }

  #createLifecycle(pipelines: readonly Pipeline[]): Lifecycle<Member> {
    const members = [
      ...this.#extensions.authenticators.map((component) => memberOf('extension', component)),
      memberOf('http', this.#http),
      ...[...this.#extensions.storages.values()].map((component) => memberOf('extension', component)),
      memberOf('exporters', this.#exporters),
      ...pipelines.flatMap(({ components }) => components).map((each) => memberOf('processor', each)),
      this.#receiversMember(),
    ];
    return new Lifecycle(members, (member, status, error) => this.#report(member, status, error));
  }

  #report({ id, kind }: Pick<Member, 'id' | 'kind'>, status: LifecycleStatus, error?: unknown): void {
    // Members of these parts report one by one.
    if (kind !== 'exporters' && kind !== 'receivers' && kind !== 'http') this.#health.report(id, kind, status, error);
    // The caller of `start` gets the error of a part that cannot start.
    if (error === undefined || this.#stopped === undefined) return;
    this.#parts.logger.error({ error, component: id }, `The ${kind} could not stop.`);
  }

  #receiversMember(): Member {
    const stop = (all: AbortSignal): Promise<void> =>
      this.#receivers.stop(AbortSignal.any([all, this.#receiverDeadline]));
    return { ...memberOf('receivers', this.#receivers), stop };
  }
}

/** The beginning of a pipeline for one of its receivers. */
function entryOf(
  { intake, profiles, merged, admissions, journal }: Pipeline,
  id: string,
  own: OwnProfiles,
): PipelineEntry {
  const connectTo = (type: 'frames' | 'otlp'): ConnectJournal | undefined =>
    journal && ((restore) => journal.connect(type, id, restore));
  const connectJournal = connectTo('otlp');
  return {
    frames: intake && { sink: intake, admission: admissions.frames, connectJournal: connectTo('frames') },
    otlp: {
      sink: profiles,
      admission: admissions.otlp,
      keeping: merged && connectJournal && { sink: merged, connectJournal },
      own,
    },
  };
}

/** The first address of each receiver. */
function listenersOf({
  receivers,
}: CheckedConfig<ServiceComponentType>): { readonly id: string; readonly endpoint: string }[] {
  return [...receivers.values()].map(({ id, type, config }) => {
    const [listener] = type.listens?.(config) ?? [];
    return { id, endpoint: listener === undefined ? '' : formatEndpoint(listener.endpoint) };
  });
}

function memberOf(kind: Member['kind'], component: Component): Member {
  return {
    id: component.id,
    kind,
    start: () => component.start(),
    stop: (deadline) => component.stop(deadline),
  };
}

function pipelineMembers({ pipelines }: CheckedConfig): { readonly id: string; readonly members: readonly string[] }[] {
  return [...pipelines].map(([id, { receivers, processors, exporters }]) => ({
    id,
    members: [
      ...receivers.map((each) => `receiver:${each}`),
      // A store without a snapshot has no life of its own, and never tells its status.
      ...processors.map((each) => `processor:${each}`),
      ...exporters.map((each) => `exporter:${each}`),
    ],
  }));
}
