import { readFile } from 'node:fs/promises';
import { arch, hostname, networkInterfaces, release, type as systemType } from 'node:os';
import type { Environment } from '../config/component-type.ts';

/** Facts about a machine: this one, or that of a test. */
export interface Host {
  /** Variables of this process. */
  readonly env: Environment;
  readonly hostname: string;
  /** As Node.js names it, e.g. `x64`. */
  readonly architecture: string;
  /** As `uname` names it, e.g. `Linux`. */
  readonly systemType: string;
  readonly systemRelease: string;
  /** Addresses of its interfaces but for the loopback. */
  readonly addresses: readonly string[];
  readText(path: string): Promise<string>;
}

/** The machine that this process runs on. */
export function thisHost(): Host {
  const interfaces = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return {
    env: process.env,
    hostname: hostname(),
    architecture: arch(),
    systemType: systemType(),
    systemRelease: release(),
    addresses: interfaces.filter(({ internal }) => !internal).map(({ address }) => address),
    readText: (path) => readFile(path, 'utf8'),
  };
}
