import type { ConfigSection } from './config-section.ts';
import type { ConfigMap } from './config-value.ts';

/** Variables of the environment. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** ReportVariable reports a fault of an environment variable. */
export type ReportVariable = (name: string, problem: string, remedy: string) => void;

export type ComponentKind = 'receiver' | 'processor' | 'exporter' | 'extension';

/** What a user can configure: the command line lists it, and configurations are checked against it. */
export interface ComponentType<Config = unknown> {
  readonly kind: ComponentKind;
  /** As in the configuration, e.g. `otlp_grpc`. */
  readonly type: string;
  /** Older names that still work, with a warning. */
  readonly aliases: readonly string[];
  /** The Collector's words: `development`, `alpha`, `beta`, `stable`. */
  readonly stability: string;
  /** The values with those that the environment gives for what they leave open. Exporters only. */
  fromEnvironment?(values: ConfigMap, env: Environment, report: ReportVariable): ConfigMap;
  /** Typed values with all defaults; faults go to the section. */
  read(section: ConfigSection): Config;
}
