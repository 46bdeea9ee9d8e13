import type { ProfilesData } from '../otlp/profiles-data.ts';
import { countSamples } from '../otlp/profiles-data.ts';
import { decodeProfilesData } from '../otlp/protobuf/decode-profiles-data.ts';
import { encodeInSteps, leastSizeBytes } from '../otlp/protobuf/encode-profiles-data.ts';
import { applyDialectInSteps } from '../profile/dialects/apply-dialect.ts';
import type { DialectName, DialectOptions } from '../profile/dialects/dialect.ts';
import { defaultDialectOptions } from '../profile/dialects/dialect.ts';
import { withFunctionsTwice } from '../profile/dialects/parca.ts';
import { mergeProfiles } from '../profile/join/profiles-joiner.ts';
import { splitInSteps } from '../profile/split/split-profiles.ts';
import type { Steps } from '../support/steps.ts';
import { atOnce } from '../support/steps.ts';
import type { LentMemory } from './request-bytes.ts';
import { RequestBytes } from './request-bytes.ts';

/** Profiles that one reporting cycle or one OTLP request hands to every exporter. Shared between exporters, so never changed. */
export interface ExportRequest {
  readonly data: ProfilesData;
  /** Number of samples in all profiles: the Collector's items. */
  readonly sampleCount: number;
  /** Services like this one that the profiles have passed; 0 for those that were made here. */
  readonly hops: number;
  /** The protobuf, where the request is encoded already. */
  readonly bytes: Uint8Array | undefined;
  /** Of the protobuf; encoded at the first call. At least so many where the request is held as parts, which repeat entries. */
  readonly sizeBytes: number;
  /** True where decoding or rewriting the request would stop the loop for more than some 20 ms. */
  readonly isLarge: boolean;
  /** The parts that the request is held as; then it has no bytes. */
  readonly parts: readonly ExportRequest[] | undefined;
  /** `ExportProfilesServiceRequest` as protobuf; encoded at the first call, the same bytes after. */
  encoded(): Uint8Array;
  /** The same in pieces, for an attempt to send them. */
  lendPieces(): readonly Uint8Array[];
  /** Notes that an attempt has succeeded, and that nobody will read its pieces again. Not to be called of one that failed, or may still be written. */
  returnPieces(): void;
  /** Becomes bytes at once, unless it is held as parts: objects take seven times as much. */
  becomeBytes(): void;
  /** Encodes in steps, where it is not encoded yet. */
  encode(): Steps<void>;
  /** The same; a request that is larger than `maxBytes` for sure becomes the parts that it would be split into, where no sample is lost by it. */
  encodeWithin(maxBytes: number): Steps<void>;
  /** Lets go of the objects of a request that is encoded: who asks for data from now on gets what the bytes say. */
  forgetData(): void;
  /** The request as a backend wants it; written at the first call for a dialect and its options, the same object after. */
  inDialect(dialect: DialectName, options?: DialectOptions): DialectRequest;
  /** The same in steps. */
  writeInDialect(dialect: DialectName, options?: DialectOptions): Steps<DialectRequest>;
  /** The same, written by `write` at the first call. */
  inDialectBy(write: WriteInDialect, dialect: DialectName, options: DialectOptions): Promise<DialectRequest>;
}

/** Writes a request in a dialect elsewhere. */
export type WriteInDialect = (
  request: ExportRequest,
  dialect: DialectName,
  options: DialectOptions,
) => Promise<DialectRequest>;

/**
 * Bound on the sum of all parts of a request, as a multiple of its size. Recorded profiles grow to 1.2 times their size in parts of a
 * tenth, and to 14 times in single samples; a request whose samples share one entry as large as a part would make
 * thousands of parts of that size.
 */
export const maxSplitGrowth = 20;

/** The writer makes room for numbers at their longest. */
const spareBytes = 16;

/** Bounds of requests that are decoded or rewritten at once. */
const mostBytesAtOnce = 1024 * 1024;
const mostElementsAtOnce = 32_768;

export interface DialectRequest {
  readonly request: ExportRequest;
  /** Samples left out, because the backend takes no profiles of their type. */
  readonly droppedSamples: number;
  /** Labels left out, because the backend takes no more: how many of each key. */
  readonly droppedLabels: ReadonlyMap<string, number>;
}

/**
 * Creates a request that is encoded when its bytes are asked for, and once. From then on it holds the bytes alone: the objects take
 * seven times as much, and while a backend is down many requests wait. `data` is decoded from the bytes after that, unless
 * somebody else still holds the objects. Encoded in steps, it knows these until `forgetData`; encoded at once, until the job ends.
 */
export function createExportRequest(data: ProfilesData, sampleCount: number, hops = 0): ExportRequest {
  return new OneRequest({ data }, sampleCount, hops);
}

/** Creates the same of bytes that are encoded already. They must not change. */
export function createEncodedRequest(bytes: Uint8Array, sampleCount: number, hops = 0): ExportRequest {
  return new OneRequest({ encoded: RequestBytes.of([bytes]) }, sampleCount, hops);
}

/** Creates the same of pieces, most of which lie in memory that is given back once every exporter has sent them. */
export function createLentRequest(
  pieces: readonly Uint8Array[],
  memory: LentMemory,
  sampleCount: number,
  hops = 0,
): ExportRequest {
  return new OneRequest({ encoded: RequestBytes.of(pieces, memory) }, sampleCount, hops);
}

interface RequestContent {
  readonly data?: ProfilesData;
  readonly encoded?: RequestBytes;
}

/**
 * A class: the getter of an object literal is a function that V8 notes in the shape of that object, and shapes, with all that their
 * getters know, are freed by a collection of the whole heap alone.
 */
class OneRequest implements ExportRequest {
  readonly sampleCount: number;
  readonly hops: number;
  #held: ProfilesData | undefined;
  #encoded: RequestBytes | undefined;
  #parts: readonly ExportRequest[] | undefined;
  /** Of the request before it became parts. */
  #leastBytes = 0;
  #lent: WeakRef<ProfilesData> | undefined;
  /** By dialect and options. */
  #written: Map<string, DialectRequest> | undefined;
  #underWay: Map<string, Promise<DialectRequest>> | undefined;

  constructor({ data, encoded }: RequestContent, sampleCount: number, hops: number) {
    this.sampleCount = sampleCount;
    this.hops = hops;
    this.#held = data;
    this.#lent = data && new WeakRef(data);
    this.#encoded = encoded;
  }

  get data(): ProfilesData {
    const known = this.#held ?? this.#lent?.deref();
    if (known !== undefined) return known;
    const parts = this.#parts;
    const decoded = parts ? mergeProfiles(parts.map(({ data }) => data)) : decodeProfilesData(this.encoded());
    this.#lent = new WeakRef(decoded);
    return decoded;
  }

  get bytes(): Uint8Array | undefined {
    return this.#encoded?.whole();
  }

  get sizeBytes(): number {
    return this.#parts === undefined ? this.#asBytes().sizeBytes : this.#leastBytes;
  }

  get parts(): readonly ExportRequest[] | undefined {
    return this.#parts;
  }

  get isLarge(): boolean {
    if (this.#parts !== undefined) return true;
    const encoded = this.#encoded;
    return encoded === undefined ? elementsOf(this.#held!) > mostElementsAtOnce : encoded.sizeBytes > mostBytesAtOnce;
  }

  encoded(): Uint8Array {
    return this.#asBytes().whole();
  }

  becomeBytes(): void {
    if (this.#parts === undefined) this.#asBytes();
  }

  lendPieces(): readonly Uint8Array[] {
    return this.#asBytes().lend();
  }

  returnPieces(): void {
    this.#encoded!.giveBack();
  }

  *encode(): Steps<void> {
    this.#encoded ??= new RequestBytes([yield* encodeInSteps(this.#held ?? this.data)]);
    this.#held = undefined;
    this.#parts = undefined;
  }

  *encodeWithin(maxBytes: number): Steps<void> {
    if (this.#encoded !== undefined || this.#parts !== undefined) return;
    const leastBytes = leastSizeBytes(this.#held!);
    const parts = leastBytes > maxBytes ? yield* this.#partsWithin(maxBytes, leastBytes) : undefined;
    if (parts === undefined) {
      yield* this.encode();
      return;
    }
    this.#parts = parts;
    this.#leastBytes = leastBytes;
    this.#held = undefined;
  }

  /** `undefined` where a split would lose samples: that is counted when it is sent. */
  *#partsWithin(maxBytes: number, leastBytes: number): Steps<ExportRequest[] | undefined> {
    const split = yield* splitInSteps(this.#held!, { maxBytes, maxTotalBytes: () => maxSplitGrowth * leastBytes });
    if (split.tooLargeSampleCount + split.overBudgetSampleCount + split.droppedPayloadCount > 0) return undefined;
    const parts: ExportRequest[] = [];
    for (const { data, sampleCount, sizeBytes } of split.parts) {
      const bytes = yield* encodeInSteps(data, sizeBytes + spareBytes);
      if (sampleCount > 0) parts.push(createEncodedRequest(bytes, sampleCount, this.hops));
    }
    return parts;
  }

  forgetData(): void {
    if (this.#encoded !== undefined || this.#parts !== undefined) this.#lent = undefined;
  }

  #asBytes(): RequestBytes {
    if (this.#encoded === undefined) {
      atOnce(this.encode());
      // A young collection takes a weak reference for a strong one: all tables of a request on its way would grow old with it.
      queueMicrotask(() => this.forgetData());
    }
    return this.#encoded!;
  }

  inDialect(dialect: DialectName, options?: DialectOptions): DialectRequest {
    return dialect === 'generic' ? this.#unchanged() : atOnce(this.writeInDialect(dialect, options));
  }

  *writeInDialect(dialect: DialectName, options: DialectOptions = defaultDialectOptions): Steps<DialectRequest> {
    if (dialect === 'generic') return this.#unchanged();
    const key = keyOf(dialect, options);
    const known = this.#written?.get(key);
    if (known !== undefined) return known;
    const { data, sampleCount, ...dropped } = yield* applyDialectInSteps(this.data, dialect, options);
    const result = { request: createExportRequest(data, sampleCount, this.hops), ...dropped };
    this.#keep(key, result);
    return result;
  }

  async inDialectBy(write: WriteInDialect, dialect: DialectName, options: DialectOptions): Promise<DialectRequest> {
    if (dialect === 'generic') return this.#unchanged();
    const key = keyOf(dialect, options);
    this.#underWay ??= new Map();
    const underWay = this.#underWay;
    const known = this.#written?.get(key) ?? underWay.get(key);
    if (known !== undefined) return known;
    const writing = write(this, dialect, options);
    underWay.set(key, writing);
    const result = await writing.finally(() => underWay.delete(key));
    this.#keep(key, result);
    return result;
  }

  #unchanged(): DialectRequest {
    return { request: this, droppedSamples: 0, droppedLabels: nothingDropped };
  }

  #keep(key: string, result: DialectRequest): void {
    this.#written ??= new Map();
    this.#written.set(key, result);
  }
}

const nothingDropped: ReadonlyMap<string, number> = new Map();

function keyOf(dialect: DialectName, { underscores }: DialectOptions): string {
  return `${dialect} ${underscores}`;
}

function elementsOf({ resourceProfiles, dictionary }: ProfilesData): number {
  let count = countSamples({ resourceProfiles, dictionary });
  for (const table of Object.values(dictionary)) count += (table as readonly unknown[]).length;
  return count;
}

const writtenTwice = new WeakSet<ExportRequest>();

/**
 * Last step before a request is measured and sent to a receiver that wants each function twice (see `withFunctionsTwice`). Merging undoes it,
 * so it follows the batch; the same object for a request that had it.
 */
export function withEachFunctionTwice(request: ExportRequest): ExportRequest {
  if (writtenTwice.has(request)) return request;
  return markWrittenTwice(createExportRequest(withFunctionsTwice(request.data), request.sampleCount, request.hops));
}

/** Marks a request that has each function twice already, and returns it. */
export function markWrittenTwice(request: ExportRequest): ExportRequest {
  writtenTwice.add(request);
  return request;
}

/** True for a request that has each function twice. */
export function isWrittenTwice(request: ExportRequest): boolean {
  return writtenTwice.has(request);
}
