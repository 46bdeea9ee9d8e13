import assert from 'node:assert/strict';
import { test } from 'node:test';
import { redactSecrets, withoutSecrets } from '../../src/exporters/without-secrets.ts';
import { fakeRequest } from '../support/fake-request.ts';

const basic = `Basic ${Buffer.from('me:sesame/open?').toString('base64')}`;

for (const { text, values, left } of [
  { text: 'token sesame is unknown', values: ['Bearer sesame'], left: 'token [REDACTED] is unknown' },
  { text: 'bad Bearer sesame', values: ['Bearer sesame'], left: 'bad [REDACTED]' },
  { text: 'password sesame/open? of me', values: [basic], left: 'password [REDACTED] of me' },
  { text: 'me:sesame/open?', values: [basic], left: '[REDACTED]' },
  { text: encodeURIComponent(`bad ${basic}`), values: [basic], left: 'bad%20[REDACTED]' },
  { text: JSON.stringify({ a: 'say "sesame"' }), values: ['say "sesame"'], left: '{"a":"[REDACTED]"}' },
  { text: 'sesame and sesame open', values: ['sesame', 'sesame open'], left: '[REDACTED] and [REDACTED]' },
  { text: 'tenant 1 has 1 fault', values: ['1', ''], left: 'tenant 1 has 1 fault' },
  { text: 'nothing of it', values: ['sesame'], left: 'nothing of it' },
]) {
  test(`redactSecrets leaves ${left}`, () => assert.equal(redactSecrets(text, values), left));
}

test('withoutSecrets looks for what is secret at the time of the answer', async () => {
  let token = 'first-token';
  const errorType = 'Unauthenticated';
  const answers = [
    { kind: 'retryable', errorType, reason: 'not first-token' },
    { kind: 'permanent', errorType, reason: 'not second-token' },
    { kind: 'accepted', rejectedProfiles: 1n, message: 'with second-token' },
  ] as const;
  let count = 0;
  const client = withoutSecrets(
    {
      sendsProtobuf: true,
      start: async () => undefined,
      close: async () => undefined,
      send: async () => answers[count++]!,
    },
    () => [token],
  );
  const send = () => client.send(fakeRequest(1), new AbortController().signal);
  assert.deepEqual(await send(), { kind: 'retryable', errorType, reason: 'not [REDACTED]' });
  token = 'second-token';
  assert.deepEqual(await send(), { kind: 'permanent', errorType, reason: 'not [REDACTED]' });
  assert.deepEqual(await send(), { kind: 'accepted', rejectedProfiles: 1n, message: 'with [REDACTED]' });
});
