import { converted, text, textList } from './config-keys.ts';
import type { ConfigKey } from './config-table.ts';

/** Endpoint is the address of a socket. */
export interface Endpoint {
  /** Name or address without brackets; empty for all interfaces. */
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
}

/** Key `endpoint` of a server: `host:port`, `[v6]:port` or `:port`, as Go's net.Listen takes it. */
export function endpointKey(fallback: string): ConfigKey<Endpoint> {
  const meaning = '`host:port` to listen on; an empty host is every interface, and port 0 lets the system choose.';
  return converted(text('endpoint', { fallback }, meaning), (written, section) => {
    const endpoint = parseEndpoint(written);
    if (endpoint !== undefined) return endpoint;
    const remedy = `write host:port, e.g. "${fallback}", or :port for all interfaces`;
    section.addProblem('endpoint', `is ${JSON.stringify(written)}`, remedy);
    return parseEndpoint(fallback)!;
  });
}

/** `undefined` for a text that is no endpoint. */
export function parseEndpoint(text: string): Endpoint | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+(?:%[\w.-]+)?)\]|([^:[\]\s/]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) return undefined;
  return { host: match[1] ?? match[2]!, port };
}

export function formatEndpoint({ host, port }: Endpoint): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Key `allowed_hosts` of an HTTP server. */
export const allowedHostsKey: ConfigKey<readonly string[]> = textList(
  'allowed_hosts',
  { fallback: [] },
  'Names by which requests may call a listener on the loopback, beside localhost and addresses; `"*"` is any. Requests for other names are refused: they are a sign of DNS rebinding.',
);
