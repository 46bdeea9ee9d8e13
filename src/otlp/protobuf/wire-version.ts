// hot
import { noElements } from '../profiles-data.ts';
import { ProtobufReader } from './protobuf-reader.ts';

/**
 * Versions of the protocol whose field numbers differ. v1.10 and v1.11 are `current`; v1.10 gave a sample's attributes,
 * link and values new numbers, and v1.9 those that follow a profile's period.
 */
export type WireVersion = 'current' | 'v1.9' | 'v1.8';

/**
 * Version of a message as its structure tells. `unclear` is `current` unless the content says otherwise: see
 * `decodeAnyWire`. `foreign` is no version that can be read.
 */
export type DetectedVersion =
  | { readonly kind: 'found'; readonly version: WireVersion }
  | { readonly kind: 'unclear' }
  | { readonly kind: 'foreign'; readonly why: string };

/**
 * Recognises the version of a message, which does not say it itself, by the wire types of its fields. It costs little:
 * tables are passed over, and samples too once one of them has decided.
 * @throws InvalidMessage when the bytes are no protobuf
 */
export function findWireVersion(bytes: Uint8Array): DetectedVersion {
  const evidence = new Evidence();
  const reader = new ProtobufReader(bytes, undefined);
  for (let tag = reader.nextTag(); tag !== 0; tag = reader.nextTag()) {
    if (tag === 0x0a) reader.message('resource_profiles', evidence, scanResourceProfiles);
    else reader.skip();
  }
  return evidence.detected();
}

type Reader = ProtobufReader<undefined>;

/**
 * In samples, by field number (v1.10 | before): 2 attribute_indices | values, 3 link_index | attribute_indices,
 * 4 values | link_index, 5 timestamps. Lists are packed by every known sender, so a link is a varint and a list is not.
 */
class Evidence {
  /** Samples with fields in the wire types of either version. Those after a first one of the current version are not counted. */
  currentSamples = 0;
  oldSamples = 0;
  isUnpacked = false;
  /** Samples of v1.7 and before: other fields altogether. */
  isAncientSample = false;
  /** Profiles with fields that only one of the versions has; a profile may have both by a fault. */
  v18Profiles = 0;
  v19Profiles = 0;
  /** True while the numbers of elements of all samples make sense in the old reading, and in the current reading. */
  #fitsOld = true;
  #fitsCurrent = true;
  #hasField2 = false;

  get isSampleDecided(): boolean {
    if (this.oldSamples > 0) return false;
    return this.currentSamples > 0 || !this.#fitsOld;
  }

  /** Notes a sample that holds `count` elements in field 2 and no field that tells the versions apart. */
  noteCounts(count: number, timestampCount: number): void {
    if (count === 0) return;
    this.#hasField2 = true;
    // Values stand alone, one of them, or beside as many timestamps; attributes need a timestamp beside them.
    if (timestampCount === 0 ? count !== 1 : count !== timestampCount) this.#fitsOld = false;
    if (timestampCount === 0) this.#fitsCurrent = false;
  }

  detected(): DetectedVersion {
    // Unpacked numbers in field 2 beside a list in field 3 are the stack's length and the values of v1.7.
    if (this.isAncientSample || (this.isUnpacked && this.oldSamples > 0))
      return { kind: 'foreign', why: 'its samples are those of a version before v1.8' };
    // A message comes from one encoder: the few are at fault, such as an ID of 8 bytes, and are left out by themselves.
    if (this.v18Profiles > this.v19Profiles) return { kind: 'found', version: 'v1.8' };
    // The samples of the other version are left out by themselves.
    if (this.oldSamples > this.currentSamples) return { kind: 'found', version: 'v1.9' };
    if (this.currentSamples > 0 || !this.#hasField2) return { kind: 'found', version: 'current' };
    if (this.isUnpacked) return { kind: 'unclear' };
    if (!this.#fitsOld) return { kind: 'found', version: 'current' };
    return this.#fitsCurrent ? { kind: 'unclear' } : { kind: 'found', version: 'v1.9' };
  }
}

function scanResourceProfiles(reader: Reader, evidence: Evidence): void {
  for (let tag = reader.nextTag(); tag !== 0; tag = reader.nextTag()) {
    if (tag === 0x12) reader.message('scope_profiles', evidence, scanScopeProfiles);
    else reader.skip();
  }
}

function scanScopeProfiles(reader: Reader, evidence: Evidence): void {
  for (let tag = reader.nextTag(); tag !== 0; tag = reader.nextTag()) {
    if (tag === 0x12) reader.message('profiles', evidence, scanProfile);
    else reader.skip();
  }
}

/**
 * After the period, by field number (v1.9 and later | v1.8): 7 profile_id | comment_strindices, 8 dropped_attributes_count |
 * profile_id, 9 original_payload_format | dropped_attributes_count, 10 original_payload | original_payload_format,
 * 11 attribute_indices | original_payload, 12 none | attribute_indices.
 */
function scanProfile(reader: Reader, evidence: Evidence): void {
  let isV18 = false;
  let isV19 = false;
  let hasFormat = false;
  let hasPayload = false;
  for (let tag = reader.nextTag(); tag !== 0; tag = reader.nextTag()) {
    if (tag === 0x12 && !evidence.isSampleDecided) reader.message('samples', evidence, scanSample);
    else if (tag === 0x3a) {
      const { length } = reader.bytes();
      if (length === 16) isV19 = true;
      else if (length !== 0) isV18 = true;
    } else {
      if (tag === 0x42 || tag === 0x48 || tag === 0x62 || tag === 0x60) isV18 = true;
      else if (tag === 0x40 || tag === 0x58) isV19 = true;
      else if (tag === 0x4a) hasFormat = true;
      else if (tag === 0x52) hasPayload = true;
      reader.skip();
    }
  }
  // Format and payload come together: a field 10 without a field 9 is the format of v1.8.
  if (hasFormat) isV19 = true;
  else if (hasPayload) isV18 = true;
  evidence.v18Profiles += Number(isV18);
  evidence.v19Profiles += Number(isV19);
}

function scanSample(reader: Reader, evidence: Evidence): void {
  let count = 0;
  let timestampCount = 0;
  let isOld = false;
  let isCurrent = false;
  for (let tag = reader.nextTag(); tag !== 0; tag = reader.nextTag()) {
    if (tag === 0x12) {
      count += reader.packedInt32(noElements).length;
      continue;
    }
    if (tag === 0x2a) {
      timestampCount += reader.bytes().length / 8;
      continue;
    }
    if (tag === 0x10) {
      count++;
      evidence.isUnpacked = true;
    } else if (tag === 0x29) timestampCount++;
    else if (tag === 0x1a) isOld = true;
    else if (tag === 0x22) isCurrent = true;
    else if (tag === 0x18 && !evidence.isUnpacked) isCurrent = true;
    else if (tag === 0x20 && !evidence.isUnpacked) isOld = true;
    else if (tag === 0x28 || tag === 0x30 || tag === 0x32 || tag === 0x31) evidence.isAncientSample = true;
    reader.skip();
  }
  if (isOld) evidence.oldSamples++;
  else if (isCurrent || (evidence.oldSamples > 0 && count > 1 && count !== timestampCount)) evidence.currentSamples++;
  if (!evidence.isSampleDecided) evidence.noteCounts(count, timestampCount);
}
