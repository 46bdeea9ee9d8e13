import { hostname, networkInterfaces } from 'node:os';

/** Machine is what a configuration is compared with: the names and addresses of the machine that it runs on. */
export interface Machine {
  readonly hostname: string;
  /** Of all interfaces, loopback included. */
  readonly addresses: readonly string[];
}

export function thisMachine(): Machine {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list?.map(({ address }) => address) ?? []);
  return { hostname: hostname(), addresses };
}

const loopback: readonly string[] = ['127.0.0.1', '::1'];

/**
 * The addresses of this machine at which a listener on `host` is reached: all of them where `host` is empty or
 * unspecified, none for a name that only a resolver knows.
 */
export function addressesOf(host: string, { hostname, addresses }: Machine): readonly string[] {
  const name = plainHost(host);
  if (['', '0.0.0.0', '::'].includes(name)) return [...loopback, ...addresses];
  if (name === 'localhost' || name.endsWith('.localhost')) return loopback;
  if (name === hostname.toLowerCase()) return addresses;
  return isAddress(name) ? [name] : [];
}

/**
 * Tells a destination that a listener on `listening` takes: `host` is an address, or a name of the machine. `resolved`
 * are the addresses of a name that only a resolver knows.
 */
export function reaches(host: string, listening: string, machine: Machine, resolved: readonly string[] = []): boolean {
  const name = plainHost(host);
  const own = addressesOf(listening, machine);
  // A client that is sent to "any address" connects to the loopback.
  const wanted = ['0.0.0.0', '::'].includes(name) ? loopback : [...addressesOf(name, machine), ...resolved];
  const isAny = ['', '0.0.0.0', '::'].includes(plainHost(listening));
  return wanted.some((address) => own.includes(address) || (isAny && address.startsWith('127.')));
}

/** In lower case, without a zone, and an IPv4 address that is written as IPv6 as itself. */
function plainHost(host: string): string {
  return host
    .toLowerCase()
    .replace(/%.*$/, '')
    .replace(/^::ffff:(?=\d+\.)/, '')
    .replace(/\.$/, '');
}

function isAddress(name: string): boolean {
  return /^[\d.]+$/.test(name) || name.includes(':');
}
