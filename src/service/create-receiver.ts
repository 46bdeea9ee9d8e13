import type { Meter } from '@opentelemetry/api';
import type { Logger } from 'pino';
import type { ConfiguredComponent } from '../config/check-document.ts';
import type { RequestGuard } from '../model/authentication.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import { FramesReceiver } from '../receivers/frames/frames-receiver.ts';
import type { FramesReceiverConfig } from '../receivers/frames/frames-receiver-config.ts';
import type { GrpcServers } from '../receivers/grpc-servers.ts';
import { OtlpReceiver } from '../receivers/otlp/otlp-receiver.ts';
import type { OtlpReceiverConfig } from '../receivers/otlp/otlp-receiver-config.ts';
import type { Clock } from '../support/clock.ts';
import type { Component } from '../support/component.ts';

export interface ReceiverParts {
  readonly grpcServers: GrpcServers;
  /** By the extension that a configuration names. */
  readonly guardOf: (authenticator: string) => RequestGuard | undefined;
  readonly clock: Clock;
  readonly meter: Meter;
  readonly logger: Logger;
}

export interface CreatedReceiver {
  readonly component: Component;
  /** At which ports it listens, by protocol; 0 before it does. */
  readonly ports: ReadonlyMap<'grpc' | 'http', () => number>;
}

/** The receiver of a configured component, by its type, in front of a pipeline. */
export function createReceiver(
  { id, type, config }: ConfiguredComponent,
  { intake, profiles, merged, admissions, journal }: Pipeline,
  { grpcServers, guardOf, ...parts }: ReceiverParts,
): CreatedReceiver {
  switch (type.type) {
    case 'frames': {
      const framesConfig = config as FramesReceiverConfig;
      const server = grpcServers.at(framesConfig.grpc);
      // A configuration with a frames receiver and no reporting cycle behind it has been refused.
      const component = new FramesReceiver(id, framesConfig, {
        server,
        sink: intake!,
        admission: admissions.frames,
        connectJournal: journal && ((restore) => journal.connect('frames', id, restore)),
        ...parts,
      });
      return { component, ports: new Map([['grpc', () => server.port]]) };
    }
    case 'otlp': {
      const otlpConfig = config as OtlpReceiverConfig;
      const server = otlpConfig.grpc === undefined ? undefined : grpcServers.at(otlpConfig.grpc);
      const component = new OtlpReceiver(id, otlpConfig, {
        server,
        sink: profiles,
        admission: admissions.otlp,
        keeping: merged &&
          journal && { sink: merged, connectJournal: (restore) => journal.connect('otlp', id, restore) },
        httpGuard: guardOf(otlpConfig.http?.authenticator ?? ''),
        ...parts,
      });
      const ports = new Map<'grpc' | 'http', () => number>();
      if (server !== undefined) ports.set('grpc', () => server.port);
      if (otlpConfig.http !== undefined) ports.set('http', () => component.httpPort);
      return { component, ports };
    }
    default:
      throw new TypeError(`${id}: there is no receiver of type ${type.type}`);
  }
}

/** Where a receiver listens: its gRPC endpoint if it has one. */
export function endpointOf({ config }: ConfiguredComponent): string {
  const { grpc, http } = config as Partial<OtlpReceiverConfig>;
  return grpc?.endpoint ?? http?.endpoint ?? '';
}
