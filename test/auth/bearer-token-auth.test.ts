import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { BearerTokenAuth } from '../../src/auth/bearer-token-auth.ts';
import { bearerTokenTable } from '../../src/auth/bearer-token-config.ts';
import type { ConfigProblem } from '../../src/config/config-error.ts';
import { ConfigSection } from '../../src/config/config-section.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { recordLogs } from '../support/log-recorder.ts';
import { recordMetrics } from '../support/metric-recorder.ts';

function create(values: object) {
  const clock = new FakeClock();
  const log = recordLogs();
  const { meter, values: metrics } = recordMetrics();
  const config = bearerTokenTable.read(new ConfigSection('extensions.bearertokenauth', values, []));
  return {
    auth: new BearerTokenAuth('bearertokenauth', config, { clock, meter, logger: log.logger }),
    clock,
    log,
    metrics,
  };
}

for (const { name, values = {}, header = 'authorization', value, verdict } of [
  { name: 'takes the token', value: 'Bearer first', verdict: 'ok' },
  { name: 'takes any of the tokens', value: 'Bearer second', verdict: 'ok' },
  { name: 'takes the scheme in any case', value: 'bEARER first', verdict: 'ok' },
  { name: 'refuses another token', value: 'Bearer third', verdict: 'mismatch' },
  { name: 'refuses a token that begins like one', value: 'Bearer firs', verdict: 'mismatch' },
  { name: 'refuses the token in another case', value: 'Bearer First', verdict: 'mismatch' },
  { name: 'refuses an empty token', value: 'Bearer ', verdict: 'malformed' },
  { name: 'refuses another scheme', value: 'Basic first', verdict: 'malformed' },
  { name: 'refuses a token without its scheme', value: 'first', verdict: 'malformed' },
  { name: 'refuses a request without a token', value: undefined, verdict: 'missing' },
  { name: 'refuses an empty header', value: '', verdict: 'missing' },
  {
    name: 'looks at the header of its own',
    values: { header: 'X-Api-Key' },
    header: 'x-api-key',
    value: 'Bearer first',
    verdict: 'ok',
  },
  { name: 'looks at no other header', values: { header: 'X-Api-Key' }, value: 'Bearer first', verdict: 'missing' },
  { name: 'takes a bare token without a scheme', values: { scheme: '' }, value: 'first', verdict: 'ok' },
  { name: 'takes a scheme of its own', values: { scheme: 'Token' }, value: 'Token second', verdict: 'ok' },
]) {
  test(`bearertokenauth ${name}`, async () => {
    const { auth } = create({ tokens: ['first', 'second'], ...values });
    await auth.start();
    assert.equal(
      auth.verifier.verify((asked) => (asked === header ? value : undefined)),
      verdict,
    );
  });
}

test('bearertokenauth sends the first of its tokens', async () => {
  for (const { values, sent } of [
    { values: { token: 'only' }, sent: ['authorization', 'Bearer only'] },
    { values: { tokens: 'first,second', scheme: 'Token', header: 'X-Key' }, sent: ['x-key', 'Token first'] },
    { values: { token: 'only', scheme: '' }, sent: ['authorization', 'only'] },
  ]) {
    const { auth } = create(values);
    await auth.start();
    assert.deepEqual(auth.credentials(), [sent]);
  }
});

for (const { tokens, shown } of [
  { tokens: { key: 'secret-token' }, shown: 'a map' },
  { tokens: 123_456_789, shown: 'a number' },
  { tokens: true, shown: 'a boolean' },
  { tokens: ['first', 123_456_789], shown: 'a list with a number' },
]) {
  test(`bearertokenauth refuses ${shown} as its tokens, without showing it`, () => {
    const problems: ConfigProblem[] = [];
    bearerTokenTable.read(new ConfigSection('extensions.bearertokenauth', { tokens }, problems));
    const path = `extensions.bearertokenauth.tokens${Array.isArray(tokens) ? '[1]' : ''}`;
    assert.deepEqual(problems, [{ path, problem: 'the value is not text', remedy: 'put it in quotes' }]);
  });
}

function tokenFile(t: TestContext, text: string): { path: string; write: (text: string) => void } {
  const folder = mkdtempSync(join(tmpdir(), 'framekeeper-auth-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'token');
  const write = (content: string): void => writeFileSync(path, content);
  write(text);
  return { path, write };
}

test('bearertokenauth reads its file again, and keeps the former tokens while it is empty', async (t) => {
  const { path, write } = tokenFile(t, 'first\n\n');
  const { auth, clock, log, metrics } = create({ filename: path });
  await auth.start();
  t.after(() => auth.stop());
  const verdict = (token: string): unknown => auth.verifier.verify(() => `Bearer ${token}`);
  assert.deepEqual([verdict('first'), verdict('')], ['ok', 'malformed'], 'an empty line is no token');
  const until = async (msg: string): Promise<void> => {
    const told = log.until(msg);
    while (!log.lines.some((line) => line.msg === msg)) {
      t.signal.throwIfAborted();
      await clock.advance(10_000);
    }
    await told;
  };
  write(' \n');
  await until('Credentials have changed but cannot be used; the former stay in use.');
  assert.equal(verdict('first'), 'ok');
  write('second\nthird\n');
  await until('Credentials have changed and are in use.');
  assert.deepEqual([verdict('first'), verdict('second'), verdict('third')], ['mismatch', 'ok', 'ok']);
  assert.deepEqual(auth.credentials(), [['authorization', 'Bearer second']]);
  const label = (outcome: string): string =>
    `framekeeper_auth_reloads{authenticator="bearertokenauth",outcome="${outcome}"}`;
  const counted = await metrics();
  assert.deepEqual([counted.get(label('kept')), counted.get(label('taken'))], [1, 1]);
  assert.doesNotMatch(JSON.stringify(log.lines), /first|second|third/);
});

test('bearertokenauth does not start with a file that it cannot use, and shows nothing of it', async (t) => {
  for (const { filename, message } of [
    {
      filename: '/nowhere/token',
      message: /^extensions\.bearertokenauth\.filename: cannot read \/nowhere\/token \(ENOENT/,
    },
    { filename: tokenFile(t, '\n').path, message: /filename: .* has no token; write a token a line\.$/ },
    { filename: tokenFile(t, 'good\nsech\u00e9\n').path, message: /filename: line 2 of .* has other than printable/ },
  ]) {
    const { auth } = create({ filename });
    await assert.rejects(auth.start(), { message });
  }
});

for (const { name, values, fault } of [
  {
    name: 'without a token',
    values: {},
    fault: /^token: no bearer token provided; write token, tokens or filename\.$/,
  },
  {
    name: 'with token and tokens',
    values: { token: 'a', tokens: ['b'] },
    fault: /^tokens: either tokens or token should be/,
  },
  {
    name: 'with a number',
    values: { tokens: [31337] },
    fault: /^tokens\[0\]: the value is not text; put it in quotes\.$/,
  },
  {
    name: 'with a token of two lines',
    values: { token: 'planted\n31337' },
    fault: /^token: is empty or has other than printable/,
  },
  { name: 'with an empty token', values: { tokens: ['a', ''] }, fault: /^tokens\[1\]: is empty/ },
  { name: 'with a scheme of two words', values: { token: 'a', scheme: 'a b' }, fault: /^scheme: is not one word/ },
  {
    name: 'with a header that none can be',
    values: { token: 'a', header: 'a b' },
    fault: /^header: cannot be the name/,
  },
  { name: 'with an unknown key', values: { token: 'a', tokn: 'b' }, fault: /^tokn: unknown key; did you mean "token"/ },
]) {
  test(`bearertokenauth refuses a configuration ${name}`, () => {
    const problems: { path: string; problem: string; remedy: string }[] = [];
    bearerTokenTable.read(new ConfigSection('', values, problems));
    const text = problems.map(({ path, problem, remedy }) => `${path}: ${problem}; ${remedy}.`).join('\n');
    assert.match(text, fault);
    assert.doesNotMatch(text, /31337/);
  });
}
