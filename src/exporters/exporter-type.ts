import type { Meter } from '@opentelemetry/api';
import type { Logger } from 'pino';
import type { ComponentType, NeededFile } from '../config/component-type.ts';
import type { ClientCredentials } from '../model/authentication.ts';
import type { ReportStatus } from '../model/component-status.ts';
import type { Clock, Random } from '../support/clock.ts';
import type { Component } from '../support/lifecycle.ts';
import type { ClientTlsConfig } from '../support/tls/tls-config.ts';
import type { ProfilesExporter } from './profiles-exporter.ts';
import type { RequestStorage } from './sending-queue.ts';
import type { SendingQueueConfig } from './sending-queue-config.ts';

/** ExporterType describes a type of exporter. */
export interface ExporterType<Config = unknown> extends ComponentType<Config> {
  readonly kind: 'exporter';
  queueOf(config: Config): SendingQueueConfig;
  /** Identifiers of the extensions that `dependencies` of `create` come from; empty for none. */
  refersTo(config: Config): { readonly storage: string; readonly authenticator: string };
  create(id: string, config: Config, dependencies: ExporterDependencies): Component & ProfilesExporter;
}

/** The files that `tls` of an exporter names. */
export function tlsFiles({ files }: ClientTlsConfig): NeededFile[] {
  return [files.authority, files.certificate, files.privateKey].flatMap((file) =>
    file === undefined ? [] : [{ path: `tls.${file.key}`, file: file.path, kind: 'readable file' }],
  );
}

/** Dependencies of every exporter. The logger is a child that already names the component. */
export interface ExporterDependencies {
  readonly logger: Logger;
  readonly meter: Meter;
  readonly clock: Clock;
  readonly random: Random;
  /** Takes the health of the exporter, for `/status`. Absent: nobody shows it. */
  readonly reportStatus?: ReportStatus;
  /** Headers of an authenticator. */
  readonly credentials?: ClientCredentials | undefined;
  /** Keeps the sending queue, of this exporter alone; without a storage the queue is in memory. */
  readonly storage?: RequestStorage | undefined;
}
