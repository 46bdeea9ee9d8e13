import { arch, platform } from 'node:os';

/** User agent of exporters, in the form of the Collector's: `Framekeeper/0.1.0 (linux/amd64)`. */
export function userAgentOf(version: string): string {
  return `Framekeeper/${version} (${platform()}/${goNames[arch()] ?? arch()})`;
}

const goNames: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' };
