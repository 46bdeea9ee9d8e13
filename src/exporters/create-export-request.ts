import { encodeProfilesData } from '../otlp/encode-profiles-data.ts';
import type { ProfilesData } from '../otlp/profiles-data.ts';
import type { ExportRequest } from './export-request.ts';

/** A request that is encoded when its bytes are asked for, and once. */
export function createExportRequest(data: ProfilesData, sampleCount: number): ExportRequest {
  let bytes: Uint8Array | undefined;
  return {
    data,
    sampleCount,
    encoded: () => {
      bytes ??= encodeProfilesData(data);
      return bytes;
    },
  };
}
