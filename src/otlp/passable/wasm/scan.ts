import {
  countOf,
  mappings,
  prepareMessage,
  profiles,
  referred,
  resources,
  scopes,
  stacks,
  strings,
  useOf,
} from './columns.ts';
import { startElements, takeElements, takenElements } from './elements.ts';
import { setSeeds } from './hash.ts';
import { layoutVersion, message, told } from './memory.ts';
import { clearSet, countOfSet } from './pair-sets.ts';
import { encoding, incomplete, refuse, stringReference, version } from './refuse.ts';
import { scanDictionary } from './scan-dictionary.ts';
import {
  headBytes,
  knowOwnIds,
  ownIdPrefix,
  sampleCount,
  scanResourceProfiles,
  startProfiles,
} from './scan-profiles.ts';
import { referenceCount, startReferences } from './scan-values.ts';
import { behind, fieldEnd } from './varint.ts';
import { isSure, startEvidence } from './version-evidence.ts';

/** Seeds of the hashes, and the first 8 bytes of own profiles' IDs. */
export function begin(seed: i32, secondSeed: i32, hasPrefix: bool, prefix: u64): void {
  setSeeds(seed, secondSeed);
  if (!hasPrefix) return;
  store<u64>(ownIdPrefix, prefix);
  knowOwnIds();
}

/** Makes room for a message; returns its place. */
export function prepare(sizeBytes: u32): usize {
  prepareMessage(sizeBytes);
  return message;
}

/** Scans the message in its place; returns the version of the layout, which is another one when columns have moved. */
export function scan(sizeBytes: u32, isVersionDeclared: bool, mostElements: u32): u32 {
  const end = message + sizeBytes;
  startElements(mostElements);
  startReferences();
  const dictionary = findDictionary(end);
  const dictionaryEnd = fieldEnd(dictionary + 1, end);
  scanDictionary(behind, dictionaryEnd);
  startEvidence(isVersionDeclared);
  clearSet(resources, 0);
  clearSet(scopes, 0);
  clearSet(profiles, 0);
  startProfiles();
  let position = message;
  while (position < end) {
    const entryEnd = fieldEnd(position + 1, end);
    if (position !== dictionary) {
      takeElements(1);
      scanResourceProfiles(behind, entryEnd);
    }
    position = entryEnd;
  }
  if (!isSure()) refuse(version);
  const hasOrphan = findOrphan();
  tell(0, sampleCount);
  tell(1, headBytes);
  tell(2, countOfSet(resources));
  tell(3, referenceCount);
  tell(4, referenceCount > 0 && !hasOrphan ? findKeptTexts() : countOf(strings));
  tell(8, hasOrphan ? 1 : 0);
  tell(9, takenElements());
  return layoutVersion;
}

/** Numbers in the order of `told` in `scan-memory.ts`. */
function tell(number: i32, value: u32): void {
  store<u32>(told + 4 * number, value);
}

/** The place of the dictionary in a message that holds nothing else but `resource_profiles`. */
function findDictionary(end: usize): usize {
  let found: usize = 0;
  let position = message;
  while (position < end) {
    const tag: u32 = load<u8>(position);
    if (tag !== 0x0a && tag !== 0x12) refuse(encoding);
    const entryEnd = fieldEnd(position + 1, end);
    if (tag === 0x12) {
      if (found !== 0) refuse(encoding);
      found = position;
      tell(5, <u32>(position - message));
      tell(6, <u32>(behind - message));
      tell(7, <u32>(entryEnd - message));
    }
    position = entryEnd;
  }
  if (found === 0) refuse(incomplete);
  return found;
}

/** True if an entry is in no use. All else is sound then, so that columns serve the decoder. */
function findOrphan(): bool {
  for (let table = mappings; table <= stacks; table++) {
    const count = countOf(table);
    const entryUse = useOf(table);
    for (let i: u32 = 1; i < count; i++) if (load<u8>(entryUse + i) === 0) return true;
  }
  return false;
}

/** Encoders that write references add their texts at the end of the table: from there on no text may be in other use. */
function findKeptTexts(): u32 {
  const textUse = useOf(strings);
  let kept = countOf(strings);
  while (kept > 1 && load<u8>(textUse + kept - 1) === referred) kept--;
  for (let i: u32 = 1; i < kept; i++) if (load<u8>(textUse + i) === referred) refuse(stringReference);
  return kept;
}
