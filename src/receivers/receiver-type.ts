import type { Meter } from '@opentelemetry/api';
import type { Logger } from 'pino';
import type { ComponentType } from '../config/component-type.ts';
import type { Admission } from '../model/admission.ts';
import type { RequestGuard } from '../model/authentication.ts';
import type { ConnectJournal } from '../model/request-journal.ts';
import type { Clock } from '../support/clock.ts';
import type { Component } from '../support/lifecycle.ts';
import type { FrameSink } from './frames/batch-intake.ts';
import type { GrpcServers } from './grpc-servers.ts';
import type { OwnProfiles, RequestKeeping } from './otlp/profiles-intake.ts';
import type { ProfilesSink } from './otlp/profiles-sink.ts';

/** PipelineEntry is the beginning of a pipeline as one receiver sees it. */
export interface PipelineEntry {
  /** `undefined` without a reporting cycle, which alone makes profiles of raw frame samples. */
  readonly frames:
    | { readonly sink: FrameSink; readonly admission: Admission; readonly connectJournal: ConnectJournal | undefined }
    | undefined;
  readonly otlp: {
    readonly sink: ProfilesSink;
    readonly admission: Admission;
    /** `undefined`: requests that the sink holds on to are in memory alone. */
    readonly keeping: RequestKeeping | undefined;
    readonly own: OwnProfiles;
  };
}

export interface ReceiverParts {
  readonly entry: PipelineEntry;
  readonly grpcServers: GrpcServers;
  /** By the identifier of an extension; `undefined` for an empty one. */
  readonly guardOf: (authenticator: string) => RequestGuard | undefined;
  readonly clock: Clock;
  readonly meter: Meter;
  readonly logger: Logger;
}

export interface CreatedReceiver {
  readonly component: Component;
  /** Ports by protocol; 0 before the receiver listens. */
  readonly ports: ReadonlyMap<'grpc' | 'http', () => number>;
}

/** ReceiverType describes a type of receiver. */
export interface ReceiverType<Config = unknown> extends ComponentType<Config> {
  readonly kind: 'receiver';
  create(id: string, config: Config, parts: ReceiverParts): CreatedReceiver;
}
