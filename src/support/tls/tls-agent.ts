import { Agent } from 'node:https';
import type { SecureContext } from 'node:tls';
import { createSecureContext } from 'node:tls';
import type { PemSet } from './pem-set.ts';

/** Connections of Node's own HTTPS client, with certificates that may change: those to come have the newest. */
export class TlsAgent extends Agent {
  #context: SecureContext | undefined;

  constructor() {
    // A session that is taken up again stands for the certificate that it began with.
    super({ keepAlive: true, maxCachedSessions: 0 });
  }

  use(set: PemSet): void {
    this.#context = createSecureContext(set);
  }

  override createConnection(
    options: Parameters<Agent['createConnection']>[0],
    callback: Parameters<Agent['createConnection']>[1],
  ): ReturnType<Agent['createConnection']> {
    return super.createConnection({ ...options, secureContext: this.#context } as typeof options, callback);
  }
}
