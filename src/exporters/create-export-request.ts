import type { ProfilesData } from '../otlp/profiles-data.ts';
import { decodeProfilesData } from '../otlp/protobuf/decode-profiles-data.ts';
import { encodeProfilesData } from '../otlp/protobuf/encode-profiles-data.ts';
import type { ExportRequest } from './export-request.ts';

/**
 * A request that is encoded when its bytes are asked for, and once. From then on it holds on to the bytes alone: the
 * objects take seven times as much, and while a backend is down many requests wait. Who asks for `data` after that gets
 * it from the bytes, if nobody else has it still.
 */
export function createExportRequest(data: ProfilesData, sampleCount: number): ExportRequest {
  let held: ProfilesData | undefined = data;
  let bytes: Uint8Array | undefined;
  let lent = new WeakRef(data);
  return {
    get data(): ProfilesData {
      const known = held ?? lent.deref();
      if (known !== undefined) return known;
      const decoded = decodeProfilesData(bytes!);
      lent = new WeakRef(decoded);
      return decoded;
    },
    sampleCount,
    encoded: () => {
      bytes ??= encodeProfilesData(held!);
      held = undefined;
      return bytes;
    },
  };
}

/** The same for a request that is bytes already, of somebody else. They must not change. */
export function createEncodedRequest(bytes: Uint8Array, sampleCount: number): ExportRequest {
  // A request may wait for long: it must not keep the larger piece of memory that it came in.
  const own = 4 * bytes.length >= 3 * bytes.buffer.byteLength ? bytes : new Uint8Array(bytes);
  let lent: WeakRef<ProfilesData> | undefined;
  return {
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
}
