import type { ProfilesData } from '../otlp/profiles-data.ts';
import { countSamples } from '../otlp/profiles-data.ts';
import { decodeProfilesData } from '../otlp/protobuf/decode-profiles-data.ts';
import { encodeInSteps } from '../otlp/protobuf/encode-profiles-data.ts';
import { applyDialectInSteps } from '../profile/dialects/apply-dialect.ts';
import type { DialectName, DialectOptions } from '../profile/dialects/dialect.ts';
import { defaultDialectOptions } from '../profile/dialects/dialect.ts';
import { withFunctionsTwice } from '../profile/dialects/parca.ts';
import type { Steps } from '../support/steps.ts';
import { atOnce } from '../support/steps.ts';

/** Profiles that one reporting cycle or one OTLP request hands to every exporter. Shared between exporters, so never changed. */
export interface ExportRequest {
  readonly data: ProfilesData;
  /** Number of samples in all profiles: the Collector's items. */
  readonly sampleCount: number;
  /** Services like this one that the profiles have passed; 0 for those that were made here. */
  readonly hops: number;
  /** The protobuf, where the request is encoded already. */
  readonly bytes: Uint8Array | undefined;
  /** True where decoding or rewriting the request would stop the loop for more than some 20 ms. */
  readonly isLarge: boolean;
  /** `ExportProfilesServiceRequest` as protobuf; encoded at the first call, the same bytes after. */
  encoded(): Uint8Array;
  /** Encodes in steps, where it is not encoded yet. */
  encode(): Steps<void>;
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
 * somebody else still holds the objects.
 */
export function createExportRequest(data: ProfilesData, sampleCount: number, hops = 0): ExportRequest {
  let held: ProfilesData | undefined = data;
  let bytes: Uint8Array | undefined;
  let lent = new WeakRef(data);
  const request = {
    get data(): ProfilesData {
      const known = held ?? lent.deref();
      if (known !== undefined) return known;
      const decoded = decodeProfilesData(bytes!);
      lent = new WeakRef(decoded);
      return decoded;
    },
    get bytes(): Uint8Array | undefined {
      return bytes;
    },
    get isLarge(): boolean {
      return bytes === undefined ? elementsOf(held!) > mostElementsAtOnce : bytes.length > mostBytesAtOnce;
    },
    sampleCount,
    hops,
    encoded: (): Uint8Array => {
      atOnce(request.encode());
      return bytes!;
    },
    *encode(): Steps<void> {
      bytes ??= yield* encodeInSteps(held!);
      held = undefined;
    },
  };
  return withDialects(request);
}

/** Creates the same of bytes that are encoded already. They must not change. */
export function createEncodedRequest(bytes: Uint8Array, sampleCount: number, hops = 0): ExportRequest {
  // A request may wait for long: it must not keep a larger piece of memory that its bytes came in.
  const own = 4 * bytes.length >= 3 * bytes.buffer.byteLength ? bytes : new Uint8Array(bytes);
  let lent: WeakRef<ProfilesData> | undefined;
  const request = {
    get data(): ProfilesData {
      const known = lent?.deref();
      if (known !== undefined) return known;
      const data = decodeProfilesData(own);
      lent = new WeakRef(data);
      return data;
    },
    bytes: own,
    isLarge: own.length > mostBytesAtOnce,
    sampleCount,
    hops,
    encoded: () => own,
    *encode(): Steps<void> {},
  };
  return withDialects(request);
}

function elementsOf({ resourceProfiles, dictionary }: ProfilesData): number {
  let count = countSamples({ resourceProfiles, dictionary });
  for (const table of Object.values(dictionary)) count += (table as readonly unknown[]).length;
  return count;
}

/** Adds what concerns dialects to the object itself: a copy would evaluate its getters. Most requests are sent as they are. */
function withDialects(plain: Omit<ExportRequest, 'inDialect' | 'writeInDialect' | 'inDialectBy'>): ExportRequest {
  let written: Map<string, DialectRequest> | undefined;
  let underWay: Map<string, Promise<DialectRequest>> | undefined;
  const keyOf = (dialect: DialectName, { underscores }: DialectOptions): string => `${dialect} ${underscores}`;
  const knownIn = (dialect: DialectName, options: DialectOptions): DialectRequest | undefined =>
    dialect === 'generic' ? asItIs : written?.get(keyOf(dialect, options));
  const keep = (dialect: DialectName, options: DialectOptions, result: DialectRequest): DialectRequest => {
    written ??= new Map();
    written.set(keyOf(dialect, options), result);
    return result;
  };
  const dialects: Pick<ExportRequest, 'inDialect' | 'writeInDialect' | 'inDialectBy'> = {
    inDialect: (dialect, options = defaultDialectOptions) =>
      knownIn(dialect, options) ?? atOnce(request.writeInDialect(dialect, options)),
    *writeInDialect(dialect, options = defaultDialectOptions) {
      const known = knownIn(dialect, options);
      if (known !== undefined) return known;
      const { data, sampleCount, ...dropped } = yield* applyDialectInSteps(request.data, dialect, options);
      return keep(dialect, options, { request: createExportRequest(data, sampleCount, request.hops), ...dropped });
    },
    async inDialectBy(write, dialect, options) {
      const key = keyOf(dialect, options);
      const known = knownIn(dialect, options) ?? underWay?.get(key);
      if (known !== undefined) return known;
      underWay ??= new Map();
      const writing = write(request, dialect, options);
      underWay.set(key, writing);
      return keep(dialect, options, await writing.finally(() => underWay!.delete(key)));
    },
  };
  const request: ExportRequest = Object.assign(plain, dialects);
  const asItIs: DialectRequest = { request, droppedSamples: 0, droppedLabels: noLabels };
  return request;
}

const noLabels: ReadonlyMap<string, number> = new Map();

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
