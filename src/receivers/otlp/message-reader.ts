import type { NotPassableReason } from '../../otlp/passable/not-passable.ts';
import type { PassableProfiles } from '../../otlp/passable/passable-scanner.ts';
import { PassableScanner } from '../../otlp/passable/passable-scanner.ts';
import type { ProfilesData } from '../../otlp/profiles-data.ts';
import { decodeProfilesData } from '../../otlp/protobuf/decode-profiles-data.ts';
import type { DecodedMessage, MessageContent } from './decode-message.ts';
import { decodeMessage, detectVersion } from './decode-message.ts';
import type { ReceivedProfiles } from './profiles-sink.ts';

/** A message without its faulty profiles, and the version that its sender wrote. */
export interface ReadMessage extends DecodedMessage, ReceivedProfiles {}

/** Reason why a message has to be decoded. */
interface ToDecode {
  readonly reason: NotPassableReason;
}

/** Reads messages one after the other, and decodes only those that cannot be passed on as they are. */
export class MessageReader {
  readonly #ownIdPrefix: Uint8Array | undefined;
  readonly #scanner: PassableScanner;

  /** `ownIdPrefix` begins the IDs of profiles that this process made; these are left out. */
  constructor(ownIdPrefix?: Uint8Array) {
    this.#ownIdPrefix = ownIdPrefix;
    this.#scanner = new PassableScanner(ownIdPrefix);
  }

  /** @throws InvalidMessage when the message cannot be read */
  read(content: MessageContent): ReadMessage {
    const found = this.scan(content);
    return 'scan' in found ? found : this.decode(content, found.reason);
  }

  /** The message, if it can be passed on as it is. */
  scan({ encoding, bytes, isVersionDeclared }: MessageContent): ReadMessage | ToDecode {
    if (encoding === 'json') return { reason: 'json' };
    const scan = this.#scanner.scan(bytes, isVersionDeclared);
    return scan.kind === 'passable' ? withoutFaults(scan.profiles) : { reason: scan.reason };
  }

  /** @throws InvalidMessage when the message cannot be read */
  decode(content: MessageContent, reason: NotPassableReason): ReadMessage {
    const detected = detectVersion(content);
    const isOld = detected.kind !== 'found' || detected.version !== 'current';
    const own = { ...content, ownIdPrefix: this.#ownIdPrefix };
    const decoded = decodeMessage(own, Number.POSITIVE_INFINITY, detected);
    return { ...decoded, scan: { kind: 'not_passable', reason: isOld ? 'version' : reason } };
  }
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
    loopedProfiles: 0,
    rejectedSamples: 0,
    faults: [],
    faultCount: 0,
    version: 'current',
    mendedTexts: 0,
    scan: { kind: 'passable', profiles },
  };
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
