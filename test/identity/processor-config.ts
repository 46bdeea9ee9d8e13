import { parse } from 'yaml';
import type { ProcessorType } from '../../src/config/component-type.ts';
import type { ConfigProblem } from '../../src/config/config-error.ts';
import { formatProblem } from '../../src/config/config-error.ts';
import { ConfigSection } from '../../src/config/config-section.ts';
import type { ConfigValue } from '../../src/config/config-value.ts';

/** The configuration of a processor as its section is written, and its faults. */
export function readProcessor<Config>(
  { table }: ProcessorType<Config>,
  yaml: string,
): { readonly config: Config; readonly faults: readonly string[] } {
  const problems: ConfigProblem[] = [];
  const config = table.read(new ConfigSection('p', parse(yaml) as ConfigValue, problems));
  return { config, faults: problems.map(formatProblem) };
}
