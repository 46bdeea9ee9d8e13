import type { ComponentType } from '../config/component-type.ts';
import type { Component } from '../support/component.ts';
import type { ExporterDependencies } from './exporter-dependencies.ts';
import type { ProfilesExporter } from './profiles-exporter.ts';

/** ExporterType describes a type of exporter. */
export interface ExporterType<Config = unknown> extends ComponentType<Config> {
  readonly kind: 'exporter';
  /** Identifiers of the extensions that `dependencies` of `create` come from; empty for none. */
  refersTo(config: Config): { readonly storage: string; readonly authenticator: string };
  create(id: string, config: Config, dependencies: ExporterDependencies): Component & ProfilesExporter;
}
