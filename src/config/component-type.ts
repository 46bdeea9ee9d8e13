import type { ExtensionRole } from './config-notes.ts';
import type { ConfigTable } from './config-table.ts';
import type { ConfigMap } from './config-value.ts';
import type { Endpoint } from './endpoint.ts';

/** Variables of the environment. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** ReportVariable reports a fault of an environment variable. */
export type ReportVariable = (name: string, problem: string, remedy: string) => void;

export type ComponentKind = 'receiver' | 'processor' | 'exporter' | 'extension';

/**
 * ComponentType describes one type of component: its names, its configuration, and the facts that follow from a configuration
 * alone. Each kind adds its own `create` where components of the kind are made.
 */
export interface ComponentType<Config = unknown> {
  readonly kind: ComponentKind;
  /** As in the configuration, e.g. `otlp_grpc`. */
  readonly type: string;
  /** Older names that still work, with a warning. */
  readonly aliases: readonly string[];
  /** The Collector's words: `development`, `alpha`, `beta`, `stable`. */
  readonly stability: string;
  readonly table: ConfigTable<Config>;
  /** The values, completed by those that the environment gives. Exporters only. */
  fromEnvironment?(values: ConfigMap, env: Environment, report: ReportVariable): ConfigMap;
  /** The roles in which other components may name an extension. */
  provides?(config: Config): readonly ExtensionRole[];
  /** The sockets on which a component listens. */
  listens?(config: Config): readonly Listener[];
  /** The files and folders that a component needs to start. */
  needs?(config: Config): readonly NeededFile[];
  /**
   * Processors and extensions: true when a running one can change from the one configuration to the other. Absent: none can.
   * Receivers and exporters are replaced.
   */
  changesInPlace?(before: Config, after: Config): boolean;
  /** The address to which a component sends data; `undefined` where it has none, or one that is no host and port. */
  sendsTo?(config: Config): Destination | undefined;
}

/** ProcessorType describes a type of processor. The pipeline makes processors, each in its place. */
export interface ProcessorType<Config = unknown> extends ComponentType<Config> {
  readonly kind: 'processor';
}

/** NeededFile is a file or folder that must be there when a component starts. */
export interface NeededFile {
  /** Of the key that names the file, below the component's own section. */
  readonly path: string;
  readonly file: string;
  readonly kind: 'readable file' | 'writable folder';
}

/** Destination is an address of a backend, as configured. */
export interface Destination extends Endpoint {
  /** Of the key with the address, below the component's own section. */
  readonly path: string;
}

/** Listener is a socket of a component, as configured. */
export interface Listener {
  /** Of the section with the endpoint, below the component's own section; empty for that itself. */
  readonly path: string;
  readonly endpoint: Endpoint;
  /** Listeners of one kind and endpoint share a server. An `exclusive` server is never shared. */
  readonly server: 'grpc' | 'http' | 'exclusive';
  /** Settings of the server, on which all of its users must agree. */
  readonly settings: Readonly<Record<string, unknown>>;
}
