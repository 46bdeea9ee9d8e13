import type { ConfigSection } from '../config/config-section.ts';

/** Where a server listens. */
export interface Endpoint {
  /** Name or address without brackets; empty for all interfaces. */
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
}

/** Reads `host:port`, `[v6]:port` or `:port`, as Go's net.Listen takes it. */
export function readEndpoint(section: ConfigSection, key: string, fallback: string): Endpoint {
  const text = section.string(key, fallback);
  const endpoint = parseEndpoint(text);
  if (endpoint !== undefined) return endpoint;
  section.addProblem(
    key,
    `is ${JSON.stringify(text)}`,
    `write host:port, e.g. "${fallback}", or :port for all interfaces`,
  );
  return parseEndpoint(fallback)!;
}

/** `undefined` for anything that is not an endpoint. */
export function parseEndpoint(text: string): Endpoint | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+(?:%[\w.-]+)?)\]|([\w.-]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) return undefined;
  return { host: match[1] ?? match[2]!, port };
}

export function formatEndpoint({ host, port }: Endpoint): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
