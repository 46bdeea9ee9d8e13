import type { ProfilesData } from '../../../otlp/profiles-data.ts';
import type { ConformanceFault } from '../../check/fault-list.ts';
import type { DialectName } from '../dialect.ts';
import { LintContext, LintFaults } from './lint-context.ts';
import { lintDevfiler } from './lint-devfiler.ts';
import { lintElastic } from './lint-elastic.ts';
import { lintParca } from './lint-parca.ts';
import { lintPyroscope } from './lint-pyroscope.ts';

/**
 * Faults of the data for a backend; each problem begins with `refused`, `dropped` or `misread`. `referencedStrings` are the
 * entries of the string table that inline attributes referred to. At most 101 faults; the last one counts the rest.
 */
export function lintDialect(
  data: ProfilesData,
  dialect: DialectName,
  referencedStrings: ReadonlySet<number> = new Set(),
): ConformanceFault[] {
  const faults = new LintFaults();
  if (dialect !== 'generic') {
    for (const index of referencedStrings) {
      faults.dropped(
        `dictionary: string_table[${index}]`,
        'is referred to by an attribute, and such attributes are not resolved',
      );
    }
  }
  lints[dialect](new LintContext(data, faults));
  return faults.toArray();
}

const lints: Readonly<Record<DialectName, (context: LintContext) => void>> = {
  // Every backend must take data that conforms to the specification, which checkConformance judges.
  generic: () => undefined,
  pyroscope: lintPyroscope,
  parca: lintParca,
  devfiler: lintDevfiler,
  elastic: lintElastic,
};
