import type { ExportRequest } from '../../src/exporters/export-request.ts';
import type { ProfilesData } from '../../src/otlp/profiles-data.ts';

/** A request whose bytes are its number, for tests that look at the way of requests and not into them. */
export function fakeRequest(number: number, sampleCount = 1, sizeBytes = 4): ExportRequest {
  const bytes = Buffer.alloc(sizeBytes);
  bytes.writeUInt32BE(number);
  const request: ExportRequest = {
    ...{ data: emptyData, sampleCount, hops: 0, encoded: () => bytes },
    *encode() {},
    inDialect: () => ({ request, droppedSamples: 0, droppedLabels: new Map() }),
  };
  return request;
}

/** The number of such a request. */
export function numberOf(bytes: Uint8Array): number {
  return Buffer.from(bytes).readUInt32BE();
}

const emptyData: ProfilesData = {
  resourceProfiles: [],
  dictionary: {
    mappingTable: [],
    locationTable: [],
    functionTable: [],
    linkTable: [],
    stringTable: [''],
    attributeTable: [],
    stackTable: [],
  },
};
