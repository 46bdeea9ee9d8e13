import { InvalidMessage } from '../../model/invalid-message.ts';
import { decodePassable } from '../../otlp/passable/decode-passable.ts';
import { tables } from '../../otlp/passable/dictionary-columns.ts';
import type { NotPassableReason } from '../../otlp/passable/not-passable.ts';
import type { PassableProfiles, ScanResult } from '../../otlp/passable/passable-scanner.ts';
import { PassableScanner } from '../../otlp/passable/passable-scanner.ts';
import type { ProfilesData } from '../../otlp/profiles-data.ts';
import { noBytes } from '../../otlp/profiles-data.ts';
import { decodeProfilesData } from '../../otlp/protobuf/decode-profiles-data.ts';
import type { DecodedMessage, MessageContent } from './decode-message.ts';
import { decodeMessage, detectVersion } from './decode-message.ts';
import type { ReceivedProfiles } from './profiles-sink.ts';

/** A message without its faulty profiles, and the version that its sender wrote. */
export interface ReadMessage extends DecodedMessage, ReceivedProfiles {}

/** Reason why a message has to be decoded. */
interface ToDecode {
  readonly reason: NotPassableReason;
  /** Result of its scan, where that is sound; until the next scan. */
  readonly profiles?: PassableProfiles;
}

/** Learning and finding the names of more locations would stop the loop for longer than 20 ms. */
const mostLocationsAtOnce = 8192;
const mostResourcesAtOnce = 1024;

/** Resources are edited together, at a microsecond each and for each of their attributes. */
const mostResources = 8192;
const mostHeadBytes = 1024 * 1024;

/** Messages up to this size have their own scanner, and do not wait: they seldom have columns that are lent. */
const mostShortBytes = 64 * 1024;

/** Reads messages one after the other, and decodes only those that cannot be passed on as they are. */
export class MessageReader {
  readonly #ownIdPrefix: Uint8Array | undefined;
  /** Of short messages and of long ones, for the next; each has up to 16 MiB. `undefined` while somebody reads its columns. */
  #short: PassableScanner | undefined;
  #long: PassableScanner | undefined;
  #isLongLent = false;
  readonly #waiting: (() => void)[] = [];
  #isWaking = false;

  /** `ownIdPrefix` begins the IDs of profiles that this process made; these are left out. */
  constructor(ownIdPrefix?: Uint8Array) {
    this.#ownIdPrefix = ownIdPrefix;
  }

  /** @throws InvalidMessage when the message cannot be read */
  read(content: MessageContent): ReadMessage {
    const found = this.scan(content)!;
    return 'scan' in found ? found : this.decode(content, found);
  }

  /** True for a message of this size while the columns of a large one are lent: to scan it now would take as much memory again. */
  isBusy(sizeBytes: number): boolean {
    return this.#isLongLent && sizeBytes > mostShortBytes;
  }

  /** Resolves once lent columns have come back, and the next message in turn may be scanned. */
  untilFree(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** The message, if it can be passed on as it is; `undefined` where it has more elements than `mostElements`. */
  scan(content: MessageContent, mostElements: number = Number.POSITIVE_INFINITY): ReadMessage | ToDecode | undefined {
    const { encoding, bytes, isVersionDeclared, release } = content;
    if (encoding === 'json') return { reason: 'json' };
    const isLong = bytes.length > mostShortBytes;
    const scanner = this.#takeScanner(isLong);
    const takeBack = (): void => this.#takeBack(scanner, isLong);
    const scan = scanOrElse(() => scanner.scanWithin(bytes, isVersionDeclared, mostElements), takeBack);
    const isLarge = scan?.kind === 'passable' && isHandledInTurns(scan.profiles);
    // Columns of other messages hold until the next one; nobody gets those of a message beyond the bounds.
    if (!isLarge || problemOf(scan.profiles) !== undefined) takeBack();
    if (scan === undefined || scan.kind === 'not_passable') return scan;
    if (!isLarge) return withoutFaults(checked(scan.profiles), release);
    // The columns go with the message, and come back: they are megabytes.
    return largePassable(scan.profiles, undefined, { release, takeBack });
  }

  #takeScanner(isLong: boolean): PassableScanner {
    const scanner = isLong ? this.#long : this.#short;
    if (isLong) {
      this.#long = undefined;
      this.#isLongLent = true;
    } else this.#short = undefined;
    return scanner ?? new PassableScanner(this.#ownIdPrefix);
  }

  #takeBack(scanner: PassableScanner, isLong: boolean): void {
    if (!isLong) {
      this.#short ??= scanner;
      return;
    }
    this.#long ??= scanner;
    this.#isLongLent = false;
    this.#wakeLater();
  }

  /**
   * In their order, each finds out whether it is its turn: each in a turn of the loop of its own, or the next one would scan into the
   * columns of the one before, which hold until the next scan, while that is on its way to its reader.
   */
  #wakeLater(): void {
    if (this.#isWaking || this.#isLongLent || this.#waiting.length === 0) return;
    this.#isWaking = true;
    setImmediate(() => {
      this.#isWaking = false;
      if (this.#isLongLent) return;
      this.#waiting.shift()?.();
      this.#wakeLater();
    });
  }

  /** @throws InvalidMessage when the message cannot be read */
  decode(content: MessageContent, { reason, profiles }: ToDecode): ReadMessage {
    if (profiles !== undefined) return { ...decodeScanned(profiles), scan: { kind: 'not_passable', reason } };
    const detected = detectVersion(content);
    const isOld = detected.kind !== 'found' || detected.version !== 'current';
    const own = { ...content, ownIdPrefix: this.#ownIdPrefix };
    const decoded = decodeMessage(own, Number.POSITIVE_INFINITY, detected);
    return { ...decoded, scan: { kind: 'not_passable', reason: isOld ? 'version' : reason } };
  }
}

/** Calls `onFailure` where the scan throws, because memory is too short for it. */
function scanOrElse(scan: () => ScanResult | undefined, onFailure: () => void): ScanResult | undefined {
  try {
    return scan();
  } catch (error) {
    onFailure();
    throw error;
  }
}

function isHandledInTurns({ columns, resourceCount }: PassableProfiles): boolean {
  return columns.counts[tables.location]! > mostLocationsAtOnce || resourceCount > mostResourcesAtOnce;
}

/** @throws InvalidMessage beyond the bounds of resources and scopes */
function checked(profiles: PassableProfiles): PassableProfiles {
  const problem = problemOf(profiles);
  if (problem === undefined) return profiles;
  throw new InvalidMessage('', problem, 'send it in several requests');
}

function problemOf({ resourceCount, headBytes }: PassableProfiles): string | undefined {
  if (resourceCount > mostResources) return `has more than ${mostResources} resources`;
  if (headBytes > mostHeadBytes) return `has more than ${mostHeadBytes} bytes of resources and scopes`;
  return undefined;
}

function withoutFaults(profiles: PassableProfiles, release: (() => void) | undefined): ReadMessage {
  const { bytes, sampleCount } = profiles;
  return new LateMessage(bytes, { ...noFaults, sampleCount, scan: { kind: 'passable', profiles } }, { release });
}

/** Like `decodeMessage`, of a message that its scan has found sound: nothing of it is looked at twice. */
export function decodeScanned(profiles: PassableProfiles): DecodedMessage {
  return { ...noFaults, data: decodePassable(profiles), sampleCount: profiles.sampleCount };
}

/** A message that is not to be decoded, and handled in turns: columns and bytes belong to it alone. */
export function largePassable(
  profiles: PassableProfiles,
  sorted: Omit<DecodedMessage, 'data'> = { ...noFaults, sampleCount: profiles.sampleCount },
  memory?: MessageMemory,
): ReadMessage {
  const { bytes } = checked(profiles);
  return new LateMessage(bytes, { ...sorted, scan: { kind: 'passable', profiles }, isLarge: true }, memory);
}

/** A message that a thread has written anew, and that does not pass in our own form either. */
export function largeNotPassable(
  bytes: Uint8Array,
  reason: NotPassableReason,
  sorted: Omit<DecodedMessage, 'data'>,
): ReadMessage {
  return new LateMessage(bytes, { ...sorted, scan: { kind: 'not_passable', reason }, isLarge: true, bytes });
}

const noFaults: Omit<DecodedMessage, 'data' | 'sampleCount'> = {
  rejectedProfiles: 0,
  loopedProfiles: 0,
  isAllRejected: false,
  rejectedSamples: 0,
  faults: [],
  faultCount: 0,
  version: 'current',
  mendedTexts: 0,
};

/** Memory of a message that can be used again. */
interface MessageMemory {
  /** Of its bytes. */
  readonly release?: (() => void) | undefined;
  /** Of its columns. */
  readonly takeBack?: (() => void) | undefined;
}

/**
 * A message that is decoded when somebody asks for its data. A class: the getter of an object literal, and with it the message, would be
 * known to a shape of V8 until the whole heap is collected.
 */
class LateMessage implements ReadMessage {
  readonly sampleCount: number;
  readonly rejectedProfiles: number;
  readonly loopedProfiles: number;
  readonly isAllRejected: boolean;
  readonly rejectedSamples: number;
  readonly faults: readonly string[];
  readonly faultCount: number;
  readonly version: ReadMessage['version'];
  readonly mendedTexts: number;
  readonly scan: ReadMessage['scan'];
  readonly isLarge: boolean;
  readonly bytes?: Uint8Array;
  readonly #bytes: Uint8Array;
  readonly #memory: MessageMemory;
  #data: ProfilesData | undefined;
  #hasColumns = true;
  #hasBytes = true;

  constructor(bytes: Uint8Array, message: Omit<ReadMessage, 'data'>, memory: MessageMemory = {}) {
    this.sampleCount = message.sampleCount;
    this.rejectedProfiles = message.rejectedProfiles;
    this.loopedProfiles = message.loopedProfiles;
    this.isAllRejected = message.isAllRejected;
    this.rejectedSamples = message.rejectedSamples;
    this.faults = message.faults;
    this.faultCount = message.faultCount;
    this.version = message.version;
    this.mendedTexts = message.mendedTexts;
    this.scan = message.scan;
    this.isLarge = message.isLarge === true;
    if (message.bytes !== undefined) this.bytes = message.bytes;
    this.#bytes = bytes;
    this.#memory = memory;
  }

  get data(): ProfilesData {
    if (!this.#hasBytes) throw new TypeError('the bytes of the message were released');
    this.#data ??= this.#decode();
    return this.#data;
  }

  #decode(): ProfilesData {
    const { scan } = this;
    const isScanned = scan.kind === 'passable' && scan.profiles.columns.bytes === this.#bytes;
    return isScanned ? decodePassable(scan.profiles) : decodeProfilesData(this.#bytes);
  }

  release(what: 'columns' | 'columns and bytes'): void {
    const { scan } = this;
    if (this.#hasColumns && scan.kind === 'passable' && scan.profiles.columns.bytes === this.#bytes) {
      scan.profiles.columns.bytes = noBytes;
      this.#memory.takeBack?.();
    }
    this.#hasColumns = false;
    if (what !== 'columns') this.#takeBytes()();
  }

  lend(): () => void {
    this.release('columns');
    return this.#takeBytes();
  }

  /** Gives their memory back, which may happen once. */
  #takeBytes(): () => void {
    const { release } = this.#memory;
    // Decoded data refers to the bytes.
    if (release === undefined || this.#data !== undefined || !this.#hasBytes) return nothing;
    this.#hasBytes = false;
    return release;
  }
}

const nothing = (): void => undefined;

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
