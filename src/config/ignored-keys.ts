import type { ConfigSection } from './config-section.ts';

/**
 * Takes keys of the Collector's that tune what is done in another way here, with a warning that says so: a configuration
 * that is carried over need not lose them. `reasons` by key complete "has no effect: …".
 */
export function ignoreKeys(section: ConfigSection, reasons: Readonly<Record<string, string>>): void {
  // Only keys that are there: an ignored key must not be offered as a key to set.
  for (const key of section.keys().filter((each) => Object.hasOwn(reasons, each))) {
    section.has(key);
    section.addWarning(key, `has no effect: ${reasons[key]}; remove it`);
  }
}

/** Of gRPC and HTTP, servers and clients. */
export const bufferKeys: Readonly<Record<string, string>> = {
  read_buffer_size: 'buffers are those of Node.js',
  write_buffer_size: 'buffers are those of Node.js',
};

/** Of servers that take data. */
export const serverKeys: Readonly<Record<string, string>> = {
  ...bufferKeys,
  include_metadata: 'nothing here makes use of the metadata of requests',
};
