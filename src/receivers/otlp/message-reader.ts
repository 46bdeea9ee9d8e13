import { isUtf8 } from 'node:buffer';
import { InvalidMessage } from '../../model/invalid-message.ts';
import type { NotPassableReason } from '../../otlp/passable/not-passable.ts';
import type { PassableProfiles } from '../../otlp/passable/passable-scanner.ts';
import { PassableScanner } from '../../otlp/passable/passable-scanner.ts';
import type { ProfilesData } from '../../otlp/profiles-data.ts';
import { decodeAnyJson, decodeAnyWire } from '../../otlp/protobuf/decode-any-wire.ts';
import { decodeProfilesData } from '../../otlp/protobuf/decode-profiles-data.ts';
import type { DetectedVersion, WireVersion } from '../../otlp/protobuf/wire-version.ts';
import { findWireVersion } from '../../otlp/protobuf/wire-version.ts';
import type { ReceivedProfiles } from './profiles-sink.ts';
import type { SortedProfiles } from './sort-out-profiles.ts';
import { sortOutProfiles } from './sort-out-profiles.ts';

/** An ExportProfilesServiceRequest, decompressed. */
export interface MessageContent {
  readonly encoding: 'protobuf' | 'json';
  readonly bytes: Uint8Array;
  /** True when the sender declared the current version of the protocol. */
  readonly isVersionDeclared: boolean;
}

/** A message without its faulty profiles, and the version that its sender wrote. */
export interface ReadMessage extends SortedProfiles, ReceivedProfiles {
  readonly version: WireVersion;
}

/** Reads messages one after the other, and decodes only those that cannot be passed on as they are. */
export class MessageReader {
  readonly #scanner = new PassableScanner();

  /** @throws InvalidMessage when it cannot be read */
  read({ encoding, bytes, isVersionDeclared }: MessageContent): ReadMessage {
    if (encoding === 'json') return sortOut({ ...decodeAnyJson(textOf(bytes)), reason: 'json' });
    const scan = this.#scanner.scan(bytes, isVersionDeclared);
    if (scan.kind === 'passable') return withoutFaults(scan.profiles);
    // What the sender declares needs no guess: old field numbers under the header of the current ones are its fault.
    const detected = isVersionDeclared ? current : findWireVersion(bytes);
    const isCurrent = detected.kind === 'found' && detected.version === 'current';
    const reason = isCurrent ? scan.reason : 'version';
    return sortOut({ ...decodeAnyWire(bytes, isVersionDeclared, detected), reason });
  }
}

const current: DetectedVersion = { kind: 'found', version: 'current' };

function sortOut({
  data,
  version,
  reason,
}: {
  readonly data: ProfilesData;
  readonly version: WireVersion;
  readonly reason: NotPassableReason;
}): ReadMessage {
  return { ...sortOutProfiles(data), version, scan: { kind: 'not_passable', reason } };
}

function withoutFaults(profiles: PassableProfiles): ReadMessage {
  const { bytes, sampleCount } = profiles;
  let data: ProfilesData | undefined;
  return {
    get data(): ProfilesData {
      data ??= decodeProfilesData(bytes);
      return data;
    },
    sampleCount,
    rejectedProfiles: 0,
    rejectedSamples: 0,
    faults: [],
    version: 'current',
    scan: { kind: 'passable', profiles },
  };
}

function textOf(bytes: Uint8Array): string {
  if (!isUtf8(bytes)) throw new InvalidMessage('', 'is not valid UTF-8, which JSON is');
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}

/** A message as a journal keeps it: a byte of flags, and the bytes that came in, decompressed. */
export function keptParts({ encoding, bytes, isVersionDeclared }: MessageContent): readonly Uint8Array[] {
  return [Uint8Array.of((encoding === 'json' ? isJson : 0) | (isVersionDeclared ? isDeclared : 0)), bytes];
}

/** Inverse of `keptParts`, whose parts come as one. */
export function parseKept(body: Uint8Array): MessageContent {
  const flags = body[0] ?? 0;
  const encoding = (flags & isJson) === 0 ? 'protobuf' : 'json';
  return { encoding, bytes: body.subarray(1), isVersionDeclared: (flags & isDeclared) !== 0 };
}

const isJson = 1;
const isDeclared = 2;
