import type { ISerializer } from '@opentelemetry/otlp-transformer';
import type { ProfilesData } from './profiles-data.ts';
import { encodeProfilesData } from './protobuf/encode-profiles-data.ts';
import { decodeExportResponse } from './protobuf/export-response.ts';

// The entry `framekeeper/otlp-profiles` of the package: everything that is imported from here is loaded by its users.
export type * from './profiles-data.ts';

/** The response in the shape that OpenTelemetry JS exporters expect: they look for `partialSuccess` and log it as JSON. */
export interface ExportProfilesServiceResponse {
  readonly partialSuccess?: {
    /** Exact up to 2^53, which exceeds what a request can hold. A `bigint` has no form in JSON. */
    readonly rejectedProfiles: number;
    readonly errorMessage: string;
  };
}

/** OTLP profiles for the exporters of OpenTelemetry JS, whose own serializers cover traces, metrics and logs only. */
export const ProfilesSerializer: ISerializer<ProfilesData, ExportProfilesServiceResponse> = {
  serializeRequest: encodeProfilesData,
  deserializeResponse(bytes) {
    const { rejectedProfiles, errorMessage } = decodeExportResponse(bytes);
    if (rejectedProfiles === 0n && errorMessage === '') return {};
    return { partialSuccess: { rejectedProfiles: Number(rejectedProfiles), errorMessage } };
  },
};
