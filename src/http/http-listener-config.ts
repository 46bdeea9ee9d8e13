import { readAuthenticatorId } from '../config/auth-config.ts';
import type { ConfigSection } from '../config/config-section.ts';
import { readServerTlsConfig } from '../config/tls-config.ts';
import type { ServerTlsConfig } from '../support/tls/tls-config.ts';
import type { Endpoint } from './endpoint.ts';
import { readEndpoint } from './endpoint.ts';

/** Where a part is served, and to whom, in the Collector's grammar of HTTP servers. */
export interface HttpListenerConfig {
  readonly endpoint: Endpoint;
  /** `undefined` for plain text. Parts with equal endpoints share a server, and so its TLS. */
  readonly tls: ServerTlsConfig | undefined;
  /** Extension that knows the credentials of the part's requests; empty = nobody is asked. */
  readonly authenticator: string;
}

export function readHttpListenerConfig(section: ConfigSection, defaultEndpoint: string): HttpListenerConfig {
  const tls = section.optionalSection('tls');
  return {
    endpoint: readEndpoint(section, 'endpoint', defaultEndpoint),
    tls: tls && readServerTlsConfig(tls),
    authenticator: readAuthenticatorId(section),
  };
}
