import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { test } from 'node:test';
import pino from 'pino';
import { encodeProfilesData } from '../../../src/otlp/protobuf/encode-profiles-data.ts';
import { OtlpReceiver } from '../../../src/receivers/otlp/otlp-receiver.ts';
import { goodProfiles } from '../../otlp/good-profiles.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { recordMetrics } from '../../support/metric-recorder.ts';
import { plainHttpConfig } from '../../support/otlp-sender.ts';

const fixture = (name: string): string => join(import.meta.dirname, '../fixtures', name);
const pem = (name: string): Buffer => readFileSync(fixture(name));

function post(port: number, certificate: object): Promise<number> {
  const headers = { 'content-type': 'application/x-protobuf' };
  const options = { host: '127.0.0.1', servername: 'localhost', port, method: 'POST', headers, ca: pem('ca.pem') };
  return new Promise((resolve, reject) => {
    const call = request({ ...options, path: '/v1development/profiles', agent: false, ...certificate }, (response) => {
      response.resume();
      resolve(response.statusCode!);
    });
    call.on('error', reject);
    call.end(encodeProfilesData(goodProfiles()));
  });
}

test('OTLP over HTTPS asks for a certificate where client_ca_file is set', async (t) => {
  const { meter } = recordMetrics();
  const tls = {
    files: {
      authority: { key: 'client_ca_file', path: fixture('ca.pem') },
      certificate: { key: 'cert_file', path: fixture('server.pem') },
      privateKey: { key: 'key_file', path: fixture('server.key') },
      reloadIntervalMs: 0,
    },
    minVersion: 'TLSv1.2' as const,
  };
  const config = { grpc: undefined, http: { ...plainHttpConfig, tls } };
  const sink = { submit: () => ({ kind: 'accepted' }) as const };
  const logger = pino({ level: 'silent' });
  const receiver = new OtlpReceiver('otlp', config, {
    ...{ server: undefined, sink, admission: () => undefined, clock: new FakeClock() },
    ...{ meter, logger },
  });
  await receiver.start();
  t.after(() => receiver.stop(AbortSignal.timeout(2_000)));
  assert.equal(await post(receiver.httpPort, { cert: pem('client.pem'), key: pem('client.key') }), 200);
  await assert.rejects(post(receiver.httpPort, {}));
});
