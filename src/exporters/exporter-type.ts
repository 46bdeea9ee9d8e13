import type { ConfigSection } from '../config/config-section.ts';

/** What the configuration needs to know of one type of exporter. */
export interface ExporterType<Config> {
  readonly kind: 'exporter';
  readonly type: string;
  readonly aliases: readonly string[];
  readonly stability: 'development' | 'alpha' | 'beta' | 'stable';
  read(section: ConfigSection): Config;
}
