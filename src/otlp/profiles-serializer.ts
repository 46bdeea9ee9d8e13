import type { ISerializer } from '@opentelemetry/otlp-transformer';
import type { ProfilesData } from './profiles-data.ts';
import { encodeProfilesData } from './protobuf/encode-profiles-data.ts';
import { decodeExportResponse } from './protobuf/export-response.ts';

/** A response in the form that OpenTelemetry JS has for its own signals: it looks for `partialSuccess` and prints it as JSON. */
export interface ExportProfilesServiceResponse {
  readonly partialSuccess?: {
    /** Exact up to 2^53; no request holds so many profiles. A bigint could not be printed as JSON. */
    readonly rejectedProfiles: number;
    readonly errorMessage: string;
  };
}

/** Plugs OTLP profiles into the exporters of OpenTelemetry JS, which have no profiles of their own. */
export const ProfilesSerializer: ISerializer<ProfilesData, ExportProfilesServiceResponse> = {
  serializeRequest: encodeProfilesData,
  deserializeResponse(bytes) {
    const { rejectedProfiles, errorMessage } = decodeExportResponse(bytes);
    if (rejectedProfiles === 0n && errorMessage === '') return {};
    return { partialSuccess: { rejectedProfiles: Number(rejectedProfiles), errorMessage } };
  },
};
