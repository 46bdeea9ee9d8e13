import type { Meter } from '@opentelemetry/api';
import type { Logger } from 'pino';
import type { Reply, UnaryCall } from '../../grpc/unary.ts';
import { unaryMethod } from '../../grpc/unary.ts';
import type { Admission } from '../../model/admission.ts';
import type { RequestGuard } from '../../model/authentication.ts';
import { encodeExportResponse } from '../../otlp/protobuf/export-response.ts';
import type { Clock } from '../../support/clock.ts';
import { hopsHeader, parseHops } from '../../support/hops.ts';
import type { Component } from '../../support/lifecycle.ts';
import type { GrpcServer } from '../grpc-server.ts';
import { grpcListener } from '../grpc-server-config.ts';
import type { ReceiverType } from '../receiver-type.ts';
import { grpcStatusOf } from '../rpc-status.ts';
import { OtlpEvents } from './otlp-events.ts';
import { OtlpHttpServer } from './otlp-http-server.ts';
import type { OtlpReceiverConfig } from './otlp-receiver-config.ts';
import { otlpReceiverTable } from './otlp-receiver-config.ts';
import type { ExportOutcome, OwnProfiles, RequestKeeping } from './profiles-intake.ts';
import { ProfilesIntake } from './profiles-intake.ts';
import type { ProfilesSink } from './profiles-sink.ts';
import { developmentVersionKey, refuseDevelopmentVersion } from './refusal.ts';

export interface OtlpReceiverDependencies {
  /** At the endpoint of `protocols.grpc`, if there is one; may be shared with other receivers; not started yet. */
  readonly server: GrpcServer | undefined;
  readonly sink: ProfilesSink;
  readonly admission: Admission;
  /** `undefined`: what the sink holds on to is in memory alone. */
  readonly keeping?: RequestKeeping | undefined;
  /** `undefined`: profiles that come back are not noticed. */
  readonly own?: OwnProfiles | undefined;
  readonly clock: Clock;
  /** Asked about every request over HTTP; the gRPC server has its own. */
  readonly httpGuard?: RequestGuard | undefined;
  readonly meter: Meter;
  readonly logger: Logger;
}

const profilesServiceName = 'opentelemetry.proto.collector.profiles.v1development.ProfilesService';

/** Takes OTLP profiles over gRPC and HTTP, and hands on those whose references are sound. */
export class OtlpReceiver implements Component {
  readonly id: string;
  readonly #intake: ProfilesIntake;
  readonly #grpcServer: GrpcServer | undefined;
  readonly #httpServer: OtlpHttpServer | undefined;

  constructor(id: string, config: OtlpReceiverConfig, dependencies: OtlpReceiverDependencies) {
    const { server, sink, admission, keeping, own, clock, httpGuard, meter, logger } = dependencies;
    this.id = id;
    const events = new OtlpEvents({ meter, logger, clock }, id, [
      ...(server === undefined ? [] : ['grpc' as const]),
      ...(config.http === undefined ? [] : ['http' as const]),
    ]);
    this.#intake = new ProfilesIntake({ sink, admission, keeping, own, events, clock });
    this.#grpcServer = server;
    this.#httpServer =
      config.http === undefined
        ? undefined
        : new OtlpHttpServer(id, config.http, { intake: this.#intake, clock, guard: httpGuard, meter, logger });
    server?.add({
      name: profilesServiceName,
      methods: { Export: unaryMethod((message, call) => this.#answer(message, call)) },
      onMessageTooLarge: (limit) => this.#intake.refuseTooLarge('grpc', `receivers.${id}.protocols.grpc.${limit}`),
      endCalls: () => this.#intake.stop(),
    });
  }

  /** The port of its HTTP server; 0 when it has none, or before it listens. */
  get httpPort(): number {
    return this.#httpServer?.port ?? 0;
  }

  async start(): Promise<void> {
    await this.#grpcServer?.start().catch((error) => this.#fail('grpc', error));
    await this.#httpServer?.start().catch((error) => this.#fail('http', error));
  }

  /** Answers what has arrived, refuses what comes, and closes the connections. */
  async stop(deadline: AbortSignal): Promise<void> {
    this.#intake.stop();
    await Promise.all([this.#httpServer?.stop(deadline), this.#grpcServer?.stop(deadline)]);
    await this.#intake.end();
  }

  #answer(message: Buffer, call: UnaryCall): Reply | Promise<Reply> {
    const outcome = this.#export(message, call);
    return outcome instanceof Promise ? outcome.then(replyOf) : replyOf(outcome);
  }

  #export(bytes: Buffer, call: UnaryCall): ExportOutcome | Promise<ExportOutcome> {
    const versions = valuesOf(call, developmentVersionKey);
    const refusal = refuseDevelopmentVersion(versions);
    if (refusal !== undefined) return this.#intake.refuse('grpc', 'version', refusal);
    const hops = valuesOf(call, hopsHeader);
    const loop = this.#intake.refuseLoop('grpc', hops);
    if (loop !== undefined) return { kind: 'refused', refusal: loop };
    const notAdmitted = this.#intake.refuseUnadmitted();
    if (notAdmitted !== undefined) return this.#intake.refuse('grpc', 'not_admitted', notAdmitted);
    const caller = new AbortController();
    call.onCancelled = () => caller.abort();
    return this.#intake.take({
      transport: 'grpc',
      encoding: 'protobuf',
      bytes,
      isVersionDeclared: versions.length > 0,
      hops: parseHops(hops),
      caller,
      release: call.release,
    });
  }

  #fail(protocol: string, error: Error): never {
    throw new Error(`receivers.${this.id}.protocols.${protocol}.${error.message}`, { cause: error });
  }
}

/** One value, with commas, where the header has come several times. */
function valuesOf({ headers }: UnaryCall, name: string): readonly string[] {
  const value = headers[name];
  return value === undefined ? [] : [value].flat();
}

function replyOf(outcome: ExportOutcome): Reply {
  return outcome.kind === 'taken' ? encodeExportResponse(outcome.response) : grpcStatusOf(outcome.refusal);
}

export const otlpReceiverType: ReceiverType<OtlpReceiverConfig> = {
  kind: 'receiver',
  type: 'otlp',
  aliases: [],
  stability: 'alpha',
  table: otlpReceiverTable,
  listens: ({ grpc, http }) => [
    ...(grpc === undefined ? [] : [grpcListener('protocols.grpc', grpc)]),
    ...(http === undefined ? [] : [{ ...grpcListener('protocols.http', http), server: 'exclusive' } as const]),
  ],
  create: (id, config, { entry, grpcServers, guardOf, ...parts }) => {
    const { grpc, http } = config;
    const server = grpc === undefined ? undefined : grpcServers.at(grpc);
    const httpGuard = guardOf(http?.authenticator ?? '');
    const component = new OtlpReceiver(id, config, { server, ...entry.otlp, httpGuard, ...parts });
    const ports = new Map<'grpc' | 'http', () => number>();
    if (server !== undefined) ports.set('grpc', () => server.port);
    if (http !== undefined) ports.set('http', () => component.httpPort);
    return { component, ports };
  },
};
