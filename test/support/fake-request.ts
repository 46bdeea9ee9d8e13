import type { DialectRequest, ExportRequest } from '../../src/exporters/export-request.ts';
import type { ProfilesData } from '../../src/otlp/profiles-data.ts';
import type { Steps } from '../../src/support/steps.ts';

/** A request whose bytes are its number, for tests that look at the way of requests and not into them. */
export function fakeRequest(number: number, sampleCount = 1, sizeBytes = 4): ExportRequest {
  const bytes = Buffer.alloc(sizeBytes);
  bytes.writeUInt32BE(number);
  const request: ExportRequest = {
    ...{ data: emptyData, sampleCount, hops: 0, bytes, sizeBytes, isLarge: false, parts: undefined },
    ...{ encoded: () => bytes, becomeBytes: () => undefined },
    ...{ lendPieces: () => [bytes], returnPieces: () => undefined },
    *encode() {},
    *encodeWithin() {},
    forgetData() {},
    inDialect: () => asItIs(),
    writeInDialect: () => noSteps(asItIs()),
    inDialectBy: async () => asItIs(),
  };
  const asItIs = (): DialectRequest => ({ request, droppedSamples: 0, droppedLabels: new Map() });
  return request;
}

// biome-ignore lint/correctness/useYield: nothing takes long.
function* noSteps<T>(result: T): Steps<T> {
  return result;
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
