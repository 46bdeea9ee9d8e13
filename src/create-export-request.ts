import type { ExportRequest } from './exporters/export-request.ts';
import { encodeProfilesData } from './otlp/encode-profiles-data.ts';
import type { ProfilesData } from './otlp/profiles-data.ts';

/** Profiles for exporters, encoded once however many of them ask. */
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

/** What the Collector calls items. */
export function countSamples({ resourceProfiles }: ProfilesData): number {
  let count = 0;
  for (const { scopeProfiles } of resourceProfiles) {
    for (const { profiles } of scopeProfiles) {
      for (const { samples } of profiles) count += samples.length;
    }
  }
  return count;
}
