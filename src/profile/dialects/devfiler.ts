import type { KeyValue } from '../../otlp/profiles-data.ts';
import type { Dialect } from './dialect.ts';
import { asReceived } from './dialect.ts';

/** Frame types that devfiler takes; any other type makes it refuse the whole request. */
export const devfilerFrameTypes: ReadonlySet<string> = new Set([
  'native',
  'kernel',
  'jvm',
  'perl',
  'cpython',
  'php',
  'phpjit',
  'ruby',
  'dotnet',
  'v8js',
  'beam',
  'go',
  'abort-marker',
]);

/**
 * devfiler counts timestamps, knows frames by file and address, and refuses a request for one location without a
 * frame type or one mapping that has attributes but no file ID.
 */
export const devfiler: Dialect = {
  ...asReceived,
  isTaken: ({ sampleType, sampleUnit }) => sampleType !== '' && sampleUnit !== '',
  sampleShape: 'timestamps',
  mappingAttributes: (attributes) => (hasFileId(attributes) ? attributes : []),
  frameType: (type) => (devfilerFrameTypes.has(type) ? type : 'native'),
  // Frames without an address would all be frame 0 of their file; without a file a frame is known by its name.
  keepsMapping: (frameType, address) => address !== 0n || frameType === 'native' || frameType === 'kernel',
};

/** True when the attributes hold the build ID by which devfiler identifies a file, in a form that it reads. */
export function hasFileId(attributes: readonly KeyValue[]): boolean {
  return attributes.some(({ key, value }) => {
    return fileIdKeys.has(key) && typeof value === 'string' && /^(?:[0-9a-fA-F]{32}|[\w-]{22})$/.test(value);
  });
}

const fileIdKeys: ReadonlySet<string> = new Set([
  'process.executable.build_id.htlhash',
  'process.executable.build_id.profiling',
]);
