import { lookup, Resolver } from 'node:dns/promises';
import { isIP, isIPv4 } from 'node:net';

/** A socket that can be connected to. */
export type Address = { readonly path: string } | { readonly host: string; readonly port: number };

/** A server to connect to (https://github.com/grpc/grpc/blob/master/doc/naming.md). */
export interface Target {
  /** `:authority` of requests. */
  readonly authority: string;
  /** Name that a certificate must have; `localhost` for a Unix socket. */
  readonly host: string;
  /** `host:port` to ask a proxy for; `undefined` without a proxy. */
  readonly proxied: { readonly hostAndPort: string; readonly credentials: string | undefined } | undefined;
  /** Looks the addresses up. Rejects where there is none. */
  readonly resolve: () => Promise<readonly Address[]>;
}

/** Environment variables that name proxies, as other clients of gRPC read them. */
export type ProxyEnvironment = Readonly<Record<string, string | undefined>>;

/**
 * Reads `host:port`, `dns:host:port`, `dns://SERVER/host:port`, or `unix:path`.
 * @throws TypeError for another text; the configuration refuses these
 */
export function parseTarget(text: string, environment: ProxyEnvironment): Target {
  const socket = /^unix:(?:\/\/(?=\/))?(.+)$/s.exec(text);
  if (socket !== null) {
    const addresses = [{ path: socket[1]! }];
    return { authority: 'localhost', host: 'localhost', proxied: undefined, resolve: async () => addresses };
  }
  const match = /^(?:dns:(?:\/\/([^/]*)\/)?)?(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(text);
  if (match === null) throw new TypeError(`${text} is no target`);
  const [, nameServer = '', v6, name, port] = match;
  const host = v6 ?? name!;
  const authority = v6 === undefined ? `${host}:${port}` : `[${host}]:${port}`;
  const proxy = proxyOf(host, environment);
  if (proxy === undefined) {
    return { authority, host, proxied: undefined, resolve: () => resolve(host, Number(port), nameServer) };
  }
  return {
    authority,
    host,
    proxied: { hostAndPort: authority, credentials: proxy.credentials },
    resolve: () => resolve(proxy.host, proxy.port, ''),
  };
}

async function resolve(host: string, port: number, nameServer: string): Promise<readonly Address[]> {
  if (isIP(host) !== 0) return [{ host, port }];
  if (nameServer === '') return (await lookup(host, { all: true })).map(({ address }) => ({ host: address, port }));
  const resolver = new Resolver();
  resolver.setServers([nameServer]);
  const [v4, v6] = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
  const found = [v4, v6].flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  if (found.length === 0) throw (v4 as PromiseRejectedResult).reason;
  return found.map((address) => ({ host: address, port }));
}

interface Proxy {
  readonly host: string;
  readonly port: number;
  /** `user:password`. */
  readonly credentials: string | undefined;
}

/** The proxy for a host; only proxies that are spoken to in plain HTTP are known. */
function proxyOf(host: string, environment: ProxyEnvironment): Proxy | undefined {
  const written = environment.grpc_proxy || environment.https_proxy || environment.http_proxy;
  if (!written || !URL.canParse(written)) return undefined;
  const exceptions = (environment.no_grpc_proxy || environment.no_proxy || '').split(',').filter((each) => each !== '');
  if (exceptions.some((exception) => isException(host, exception.trim()))) return undefined;
  const { protocol, hostname, port, username, password } = new URL(written);
  if (protocol !== 'http:') return undefined;
  const credentials = password === '' ? username : `${username}:${password}`;
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? 80 : Number(port),
    credentials: credentials === '' ? undefined : decodeURIComponent(credentials),
  };
}

/** The end of a name, an address, or a range of IPv4 addresses such as 10.0.0.0/8. */
function isException(host: string, exception: string): boolean {
  const [network, bits] = exception.split('/');
  if (bits === undefined || !isIPv4(host) || !isIPv4(network!) || !/^(?:[0-9]|[12][0-9]|3[0-2])$/.test(bits)) {
    return host.endsWith(exception);
  }
  const hostBits = 2 ** (32 - Number(bits));
  return Math.floor(numberOf(host) / hostBits) === Math.floor(numberOf(network!) / hostBits);
}

function numberOf(address: string): number {
  return address.split('.').reduce((number, part) => number * 256 + Number(part), 0);
}
