import type { ProfilesData } from '../../../otlp/profiles-data.ts';
import type { ConformanceFault } from '../../check/fault-list.ts';
import type { DialectName } from '../dialect.ts';
import { LintContext, LintFaults } from './lint-context.ts';
import { lintDevfiler } from './lint-devfiler.ts';
import { lintElastic } from './lint-elastic.ts';
import { lintParca } from './lint-parca.ts';
import { lintPyroscope } from './lint-pyroscope.ts';

/** Compression of a whole file or of its messages; `undefined` for none. */
export type FileCompression = 'gzip' | 'zstd' | undefined;

/**
 * Lint of the messages of a file, one after the other, for one backend: profiles of equal labels at one time may be in
 * different messages.
 */
export class DialectLint {
  readonly #dialect: DialectName;
  readonly #compression: FileCompression;
  /** By labels and time, the place of the profile that had them first. */
  readonly #seenProfiles = new Map<string, string>();
  #messageCount = 0;

  constructor(dialect: DialectName, compression?: FileCompression) {
    this.#dialect = dialect;
    this.#compression = compression;
  }

  /**
   * Faults of the next message for the backend; each problem begins with `refused`, `dropped` or `misread`. `referencedStrings` are the
   * entries of the string table that inline attributes referred to. At most 101 faults; the last one counts the rest.
   */
  lint(data: ProfilesData, referencedStrings: ReadonlySet<number> = new Set()): ConformanceFault[] {
    this.#messageCount += 1;
    const faults = new LintFaults();
    if (this.#messageCount === 1 && this.#compression === 'zstd' && withoutZstd.has(this.#dialect)) {
      faults.refused('file', `is compressed with zstd, and ${this.#dialect} takes gzip or no compression`);
    }
    if (this.#dialect !== 'generic') {
      for (const index of referencedStrings) {
        faults.dropped(
          `dictionary: string_table[${index}]`,
          'is referred to by an attribute, and such attributes are not resolved',
        );
      }
    }
    const seen = { profiles: this.#seenProfiles, prefix: `message ${this.#messageCount}: ` };
    lints[this.#dialect](new LintContext(data, faults, seen));
    return faults.toArray();
  }
}

/** Backends whose servers have no decompressor for zstd. */
const withoutZstd: ReadonlySet<DialectName> = new Set<DialectName>(['pyroscope', 'parca', 'devfiler']);

const lints: Readonly<Record<DialectName, (context: LintContext) => void>> = {
  // Every backend must take data that conforms to the specification, which checkConformance judges.
  generic: () => undefined,
  pyroscope: lintPyroscope,
  parca: lintParca,
  devfiler: lintDevfiler,
  elastic: lintElastic,
};
