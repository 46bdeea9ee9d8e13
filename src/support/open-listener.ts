import type { Logger } from 'pino';
import type { ServerTlsConfig } from './tls/tls-config.ts';

/** A listener as its configuration has it. */
export interface ListenerAccess {
  /** `host:port`; an empty host is every interface. */
  readonly endpoint: string;
  readonly tls: ServerTlsConfig | undefined;
  readonly hasGuard: boolean;
}

/** Warns of a listener on all interfaces whose callers are not asked who they are, or whose bytes everybody on the way can read. */
export function warnIfOpen(logger: Logger, { endpoint, tls, hasGuard }: ListenerAccess): void {
  if (!/^(?:|0\.0\.0\.0|\[?::\]?):\d+$/.test(endpoint)) return;
  const isAsked = hasGuard || tls?.files.authority !== undefined;
  if (tls !== undefined && isAsked) return;
  const missing = [...(tls === undefined ? ['TLS'] : []), ...(isAsked ? [] : ['authentication'])].join(' and ');
  logger.warn(
    { endpoint },
    `Listening on ALL interfaces without ${missing}: whoever reaches this machine can use it. ` +
      'Listen on localhost, or set tls and auth (docs/security.md).',
  );
}
