import type { Listener } from '../config/component-type.ts';
import { optionalSection } from '../config/config-keys.ts';
import type { ConfigKey } from '../config/config-table.ts';
import type { Endpoint } from '../config/endpoint.ts';
import { allowedHostsKey, endpointKey } from '../config/endpoint.ts';
import { authKey } from '../config/references.ts';
import { serverTlsTable } from '../config/tls-config.ts';
import type { ServerTlsConfig } from '../support/tls/tls-config.ts';

/** HttpListenerConfig is the socket of a part and its guard, in the Collector's grammar of HTTP servers. */
export interface HttpListenerConfig {
  readonly endpoint: Endpoint;
  /** `undefined` for plaintext. Parts with equal endpoints share a server, and so its TLS. */
  readonly tls: ServerTlsConfig | undefined;
  /** Names by which a listener on the loopback may be called, beside its own. */
  readonly allowedHosts: readonly string[];
  /** Extension that knows the credentials of the part's requests; empty = requests need none. */
  readonly authenticator: string;
}

/** The keys of a part that is served over HTTP. */
export function httpListenerKeys(defaultEndpoint: string): {
  readonly [Name in keyof HttpListenerConfig]: ConfigKey<HttpListenerConfig[Name]>;
} {
  return {
    endpoint: endpointKey(defaultEndpoint),
    tls: optionalSection('tls', serverTlsTable),
    allowedHosts: allowedHostsKey,
    authenticator: authKey('server authenticator'),
  };
}

/** The socket of a part. */
export function httpListener(path: string, { endpoint, tls }: Pick<HttpListenerConfig, 'endpoint' | 'tls'>): Listener {
  return { path, endpoint, server: 'http', settings: { tls } };
}
