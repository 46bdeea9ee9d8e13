import type { ComponentType, NeededFile } from '../config/component-type.ts';
import type { Component } from '../support/component.ts';
import type { ClientTlsConfig } from '../support/tls/tls-config.ts';
import type { ExporterDependencies } from './exporter-dependencies.ts';
import type { ProfilesExporter } from './profiles-exporter.ts';
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
