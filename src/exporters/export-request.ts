import type { ProfilesData } from '../otlp/profiles-data.ts';
import { decodeProfilesData } from '../otlp/protobuf/decode-profiles-data.ts';
import { encodeProfilesData } from '../otlp/protobuf/encode-profiles-data.ts';
import { applyDialect } from '../profile/dialects/apply-dialect.ts';
import type { DialectName } from '../profile/dialects/dialect.ts';

/** Profiles that one reporting cycle or one OTLP request hands to every exporter. Shared between exporters, so never changed. */
export interface ExportRequest {
  readonly data: ProfilesData;
  /** Number of samples in all profiles: the Collector's items. */
  readonly sampleCount: number;
  /** `ExportProfilesServiceRequest` as protobuf; encoded at the first call, the same bytes after. */
  encoded(): Uint8Array;
  /** The request as a backend wants it; written at the first call for a dialect, the same object after. */
  inDialect(dialect: DialectName): DialectRequest;
}

export interface DialectRequest {
  readonly request: ExportRequest;
  /** Samples left out, because the backend takes no profiles of their type. */
  readonly droppedSamples: number;
}

/**
 * Creates a request that is encoded when its bytes are asked for, and once. From then on it holds the bytes alone: the objects take
 * seven times as much, and while a backend is down many requests wait. `data` is decoded from the bytes after that, unless
 * somebody else still holds the objects.
 */
export function createExportRequest(data: ProfilesData, sampleCount: number): ExportRequest {
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
    sampleCount,
    encoded: (): Uint8Array => {
      bytes ??= encodeProfilesData(held!);
      held = undefined;
      return bytes;
    },
  };
  return withDialects(request);
}

/** Creates the same of bytes that are encoded already. They must not change. */
export function createEncodedRequest(bytes: Uint8Array, sampleCount: number): ExportRequest {
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
    sampleCount,
    encoded: () => own,
  };
  return withDialects(request);
}

/** Adds `inDialect` to the object itself: a copy would evaluate its getter. */
function withDialects(plain: Omit<ExportRequest, 'inDialect'>): ExportRequest {
  const written = new Map<DialectName, DialectRequest>();
  const inDialect = (dialect: DialectName): DialectRequest => {
    const known = written.get(dialect);
    if (known !== undefined) return known;
    const { data, sampleCount, droppedSamples } = applyDialect(request.data, dialect);
    const result = { request: createExportRequest(data, sampleCount), droppedSamples };
    written.set(dialect, result);
    return result;
  };
  const request: ExportRequest = Object.assign(plain, { inDialect });
  written.set('generic', { request, droppedSamples: 0 });
  return request;
}
