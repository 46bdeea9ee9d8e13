import { attributeKey, attributes, countOf, sampled, used, useOf } from './columns.ts';
import { scratch } from './memory.ts';
import { behind, readIndex } from './varint.ts';

// The version of a message whose fields all fit the current one. Before v1.10 a sample's field 2 held its values: one alone, or
// as many as timestamps; link and attributes then had numbers with other wire types, which the scan does not take.
// `findWireVersion` judges any message; this one, by the same rules, those that may be passed on.

/** Nothing more needs to be noted. */
export let isCurrent: bool = false;
let isDeclared: bool = false;
let isOldProfile: bool = false;
let hasAttributes: bool = false;
/** True as long as attributes stand beside timestamps in all samples, as v1.10 wants. */
let fitsCurrent: bool = true;
/** True as long as attributes of samples have keys, none twice in a sample. */
let isPlausible: bool = true;

const payloadField: u32 = 1 << 10;
const payloadFields: u32 = payloadField | (1 << 9);
const linkOrValues: u32 = (1 << 3) | (1 << 4);

/** Keys are compared with each other; a sample with more is left to the decoder. */
const mostKeys: u32 = 32;

export function startEvidence(declared: bool): void {
  isCurrent = declared;
  isDeclared = declared;
  isOldProfile = false;
  hasAttributes = false;
  fitsCurrent = true;
  isPlausible = true;
}

/** `fields` has a bit for each field number of a profile: a payload without its format is the format of v1.8. */
export function noteProfile(fields: u32): void {
  if (!isDeclared && (fields & payloadFields) === payloadField) isOldProfile = true;
}

/** `fields` has a bit for each field number of a sample; its list of attributes lies between `start` and `end`. */
export function noteSample(fields: u32, start: usize, end: usize, timestampCount: u32): void {
  if ((fields & linkOrValues) !== 0) {
    isCurrent = true;
    return;
  }
  const count = countVarints(start, end);
  if (count === 0) return;
  hasAttributes = true;
  if (count !== (timestampCount === 0 ? 1 : timestampCount)) isCurrent = true;
  else if (timestampCount === 0) fitsCurrent = false;
  else if (isPlausible) isPlausible = count <= mostKeys && hasUniqueKeys(start, end);
}

/** True if the message is of the current version; asked once all of it was scanned. */
export function isSure(): bool {
  if (isOldProfile) return false;
  if (isCurrent || !hasAttributes) return true;
  if (!fitsCurrent || !isPlausible) return false;
  // Read as indices, values would lead to attributes of mappings, locations or profiles.
  const both = used | sampled;
  const attributeUse = useOf(attributes);
  const count = countOf(attributes);
  for (let i: u32 = 0; i < count; i++) if ((load<u8>(attributeUse + i) & both) === both) return false;
  return true;
}

function countVarints(start: usize, end: usize): u32 {
  let count: u32 = 0;
  for (let position = start; position < end; position++) if (load<u8>(position) < 0x80) count++;
  return count;
}

/** Keys stand in the scratch, as far as they were seen. */
function hasUniqueKeys(start: usize, end: usize): bool {
  let count: usize = 0;
  let position = start;
  while (position < end) {
    const key = load<u32>(attributeKey + 4 * readIndex(position, end));
    position = behind;
    if (key === 0) return false;
    for (let i: usize = 0; i < count; i++) if (load<u32>(scratch + 4 * i) === key) return false;
    store<u32>(scratch + 4 * count++, key);
  }
  return true;
}
