import { InvalidMessage } from '../../model/invalid-message.ts';
import { decodeJson } from '../json/decode-profiles-json.ts';
import type { Profile, ProfilesData, ProfilesDictionary } from '../profiles-data.ts';
import { readProfileV18, readProfileV19 } from './decode-old-profile.ts';
import type { DecodedProfiles } from './decode-profiles-data.ts';
import { decodeProfiles } from './decode-profiles-data.ts';
import type { DetectedVersion, WireVersion } from './wire-version.ts';
import { findWireVersion } from './wire-version.ts';

/** A message in the current form, and the version that its sender wrote. */
export interface VersionedProfiles extends DecodedProfiles {
  readonly version: WireVersion;
}

const remedy =
  'send OTLP v1.10 or v1.11; with the header "otlp-profiles-development-version: 1" what is unclear is read as such';

/**
 * Reads profiles of proto v1.8 to v1.11, whose field numbers differ, and gives all of them the current form. A message that could be
 * of two versions is refused: read with the wrong numbers, attributes become values. `isDeclared` says that the
 * sender declared the current version, which decides where the structure does not. `detected` is the result of the structure.
 * @throws InvalidMessage with the path of the message, or with what is unclear of its version
 */
export function decodeAnyWire(
  bytes: Uint8Array,
  isDeclared: boolean,
  detected: DetectedVersion = findWireVersion(bytes),
): VersionedProfiles {
  if (detected.kind === 'foreign') throw new InvalidMessage('', `cannot be read: ${detected.why}; ${remedy}`);
  const version = detected.kind === 'found' ? detected.version : 'current';
  if (version === 'v1.8') return { ...decodeProfiles(bytes, readProfileV18), version };
  if (version === 'v1.9') return { ...decodeProfiles(bytes, readProfileV19), version };
  const decoded = decodeProfiles(bytes);
  if (detected.kind === 'unclear' && !isDeclared && !hasPlausibleAttributes(decoded.data)) {
    const problem = 'field 2 of its samples may be the attributes of OTLP v1.10 or the values of v1.9';
    throw new InvalidMessage('', `cannot be read: ${problem}; ${remedy}`);
  }
  return { ...decoded, version };
}

/**
 * Like `decodeAnyWire` for OTLP/JSON, where fields have names. Fields of other versions would be left out as unknown,
 * and all samples with them.
 * @throws InvalidMessage
 */
export function decodeAnyJson(text: string): VersionedProfiles {
  // Inside a text each quotation mark has a backslash before it, so this finds names of fields only.
  const [, name] = /(?<!\\)"(sample|line)"\s*:\s*\[/.exec(text) ?? [];
  if (name !== undefined) {
    throw new InvalidMessage('', `cannot be read: "${name}" is a list of OTLP before v1.9; send OTLP v1.10 or v1.11`);
  }
  return { ...decodeJson(text), version: 'current' };
}

/**
 * True when the numbers read as attributes of samples are attributes: each is in the table, no key comes twice, and none belongs
 * to a mapping, a location or a profile. If the numbers were values, the table would hold unused entries.
 */
function hasPlausibleAttributes({ resourceProfiles, dictionary }: ProfilesData): boolean {
  const profiles = resourceProfiles.flatMap(({ scopeProfiles }) => scopeProfiles.flatMap((scope) => scope.profiles));
  const taken = attributesOfOthers(profiles, dictionary);
  return profiles.every(({ samples }) =>
    [...samples].every(({ attributeIndices }) => {
      const keys = attributeIndices.map((index) => dictionary.attributeTable[index]?.keyStrindex ?? 0);
      const isWhole = keys.every((key) => key > 0 && key < dictionary.stringTable.length);
      return isWhole && new Set(keys).size === keys.length && !attributeIndices.some((index) => taken.has(index));
    }),
  );
}

function attributesOfOthers(profiles: readonly Profile[], dictionary: ProfilesDictionary): Set<number> {
  const taken = new Set<number>();
  for (const owner of [...dictionary.mappingTable, ...dictionary.locationTable, ...profiles]) {
    for (const index of owner.attributeIndices) taken.add(index);
  }
  return taken;
}
