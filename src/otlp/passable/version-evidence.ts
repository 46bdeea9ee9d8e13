// hot
import { sampled, tables, used } from './table-scan.ts';
import type { ValueScan } from './value-scan.ts';

/**
 * The version of a message whose fields all fit the current one. Before v1.10 a sample's field 2 held its values: one alone, or
 * as many as timestamps; link and attributes then had numbers with other wire types, which the scan does not take.
 * `findWireVersion` judges any message; this one, by the same rules, those that may be passed on.
 */
export class VersionEvidence {
  /** Nothing more needs to be noted. */
  isCurrent = false;
  #isDeclared = false;
  #isOldProfile = false;
  #hasAttributes = false;
  /** True as long as attributes stand beside timestamps in all samples, as v1.10 wants. */
  #fitsCurrent = true;
  /** True as long as attributes of samples have keys, none twice in a sample. */
  #isPlausible = true;

  start(isDeclared: boolean): void {
    this.isCurrent = isDeclared;
    this.#isDeclared = isDeclared;
    this.#isOldProfile = false;
    this.#hasAttributes = false;
    this.#fitsCurrent = true;
    this.#isPlausible = true;
  }

  /** `fields` has a bit for each field number of a profile: a payload without its format is the format of v1.8. */
  noteProfile(fields: number): void {
    if (!this.#isDeclared && (fields & payloadFields) === payloadField) this.#isOldProfile = true;
  }

  /** `fields` has a bit for each field number of a sample; its list of attributes lies between `start` and `end`. */
  noteSample(scan: ValueScan, fields: number, start: number, end: number, timestampCount: number): void {
    if ((fields & linkOrValues) !== 0) {
      this.isCurrent = true;
      return;
    }
    const count = countVarints(scan.walk.bytes, start, end);
    if (count === 0) return;
    this.#hasAttributes = true;
    if (count !== (timestampCount === 0 ? 1 : timestampCount)) this.isCurrent = true;
    else if (timestampCount === 0) this.#fitsCurrent = false;
    else if (this.#isPlausible) this.#isPlausible = count <= mostKeys && hasUniqueKeys(scan, start, end);
  }

  /** True if the message is of the current version; asked once all of it was scanned. */
  isSure({ columns }: ValueScan): boolean {
    if (this.#isOldProfile) return false;
    if (this.isCurrent || !this.#hasAttributes) return true;
    if (!this.#fitsCurrent || !this.#isPlausible) return false;
    // Read as indices, values would lead to attributes of mappings, locations or profiles.
    const attributeUse = columns.used[tables.attribute]!;
    const count = columns.counts[tables.attribute]!;
    for (let i = 0; i < count; i++) if ((attributeUse[i]! & (used | sampled)) === (used | sampled)) return false;
    return true;
  }
}

const payloadField = 1 << 10;
const payloadFields = payloadField | (1 << 9);
const linkOrValues = (1 << 3) | (1 << 4);

/** Keys are compared with each other; a sample with more is left to the decoder. */
const mostKeys = 32;

function countVarints(bytes: Uint8Array, start: number, end: number): number {
  let count = 0;
  for (let position = start; position < end; position++) if (bytes[position]! < 0x80) count++;
  return count;
}

function hasUniqueKeys({ walk, columns }: ValueScan, start: number, end: number): boolean {
  const { position } = walk;
  const keys: number[] = [];
  walk.position = start;
  while (walk.position < end) keys.push(columns.attributeKey[walk.index(end)]!);
  walk.position = position;
  return !keys.includes(0) && new Set(keys).size === keys.length;
}
