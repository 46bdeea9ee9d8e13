import type { ProfilesData } from '../../../otlp/profiles-data.ts';
import type { ConformanceFault } from '../../check/fault-list.ts';
import type { DialectName } from '../dialect.ts';
import { Findings } from './findings.ts';
import { LintContext } from './lint-context.ts';
import { lintDevfiler } from './lint-devfiler.ts';
import { lintElastic } from './lint-elastic.ts';
import { lintParca } from './lint-parca.ts';
import { lintPyroscope } from './lint-pyroscope.ts';

/**
 * What a backend would refuse, drop or misread of the data; each problem begins with that word. `referencedStrings` are the
 * entries of the string table that inline attributes referred to. At most 101 findings; the last one counts the rest.
 */
export function lintDialect(
  data: ProfilesData,
  dialect: DialectName,
  referencedStrings: ReadonlySet<number> = new Set(),
): ConformanceFault[] {
  const findings = new Findings();
  if (dialect !== 'generic') {
    for (const index of referencedStrings) {
      findings.dropped(
        `dictionary: string_table[${index}]`,
        'is referred to by an attribute, and such attributes are not resolved',
      );
    }
  }
  lints[dialect](new LintContext(data, findings));
  return findings.toArray();
}

const lints: Readonly<Record<DialectName, (context: LintContext) => void>> = {
  // What every backend has to take is what the specification says, and checkConformance judges that.
  generic: () => undefined,
  pyroscope: lintPyroscope,
  parca: lintParca,
  devfiler: lintDevfiler,
  elastic: lintElastic,
};
