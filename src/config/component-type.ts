import type { ConfigSection } from './config-section.ts';

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
  /** Typed values with all defaults; faults go to the section. */
  read(section: ConfigSection): Config;
}
