import assert from 'node:assert/strict';
import { test } from 'node:test';
import { warnIfOpen } from '../../src/support/open-listener.ts';
import type { ServerTlsConfig } from '../../src/support/tls/tls-config.ts';
import { recordLogs } from './log-recorder.ts';

const files = { certificate: { key: 'cert_file', path: 'a' }, key: { key: 'key_file', path: 'b' } };
const tls = { files, minVersion: 'TLSv1.2' } as unknown as ServerTlsConfig;
const mutual = { files: { ...files, authority: { key: 'client_ca_file', path: 'c' } } } as unknown as ServerTlsConfig;

for (const { endpoint, tls: set, hasGuard, missing } of [
  { endpoint: '0.0.0.0:4317', hasGuard: false, missing: 'TLS and authentication' },
  { endpoint: ':4317', hasGuard: true, missing: 'TLS' },
  { endpoint: '[::]:4317', tls, hasGuard: false, missing: 'authentication' },
  { endpoint: '[::]:4317', tls, hasGuard: true, missing: undefined },
  { endpoint: '[::]:4317', tls: mutual, hasGuard: false, missing: undefined },
  { endpoint: 'localhost:4317', hasGuard: false, missing: undefined },
  { endpoint: '127.0.0.1:4317', hasGuard: false, missing: undefined },
]) {
  const security = [set === undefined ? 'no TLS' : 'TLS', hasGuard ? 'auth' : 'no auth'].join(', ');
  test(`a listener on ${endpoint} with ${security} ${missing === undefined ? 'is not warned of' : `lacks ${missing}`}`, () => {
    const { logger, lines } = recordLogs();
    warnIfOpen(logger, { endpoint, tls: set, hasGuard });
    const texts = lines.map((line) => JSON.stringify(line));
    assert.equal(texts.length, missing === undefined ? 0 : 1);
    if (missing !== undefined) assert.match(texts[0]!, new RegExp(`ALL interfaces without ${missing}: `));
  });
}
