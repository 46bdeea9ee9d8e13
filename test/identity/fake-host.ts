import type { Host } from '../../src/identity/host.ts';

/** A machine of a test: variables, and files by path. */
export function fakeHost(
  env: Readonly<Record<string, string>> = {},
  files: Readonly<Record<string, string>> = {},
): Host {
  return {
    env,
    hostname: 'node-1',
    architecture: 'x64',
    systemType: 'Linux',
    systemRelease: '6.18.0',
    addresses: ['10.0.0.7'],
    readText: async (path) => {
      const text = files[path];
      if (text === undefined) throw new Error(`ENOENT: no such file or directory, open '${path}'`);
      return text;
    },
  };
}
