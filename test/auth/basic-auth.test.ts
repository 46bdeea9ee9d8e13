import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { hashSync } from 'bcryptjs';
import { BasicAuthClient } from '../../src/auth/basic-auth-client.ts';
import type { BasicAuthConfig } from '../../src/auth/basic-auth-config.ts';
import { basicAuthTable } from '../../src/auth/basic-auth-config.ts';
import { BasicAuthServer } from '../../src/auth/basic-auth-server.ts';
import { ConfigSection } from '../../src/config/config-section.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { recordLogs } from '../support/log-recorder.ts';
import { recordMetrics } from '../support/metric-recorder.ts';

type Side = BasicAuthConfig['side'];

function configOf<S extends Side>(values: object): Extract<BasicAuthConfig, { side: S }> {
  return basicAuthTable.read(new ConfigSection('', values, [])) as Extract<BasicAuthConfig, { side: S }>;
}

function partsOf() {
  const log = recordLogs();
  return { clock: new FakeClock(), meter: recordMetrics().meter, logger: log.logger, log };
}

const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;
const sha = (password: string, salt = ''): string => {
  const digest = createHash('sha1').update(password).update(salt).digest();
  return Buffer.concat([digest, Buffer.from(salt)]).toString('base64');
};

const htpasswd = `# senders
plain:open:sesame
bcrypt:${hashSync('ilex', 4)}

sha:{SHA}${sha('oak')}
ssha:{SSHA}${sha('elm', 'salt')}
`;

for (const { value, verdict } of [
  { value: basic('plain:open:sesame'), verdict: 'ok' },
  { value: basic('bcrypt:ilex'), verdict: 'ok' },
  { value: basic('sha:oak'), verdict: 'ok' },
  { value: basic('ssha:elm'), verdict: 'ok' },
  { value: basic('ssha:elm').replace('Basic', 'bASIC '), verdict: 'ok' },
  { value: basic('plain:open'), verdict: 'mismatch' },
  { value: basic('bcrypt:oak'), verdict: 'mismatch' },
  { value: basic('sha:elm'), verdict: 'mismatch' },
  { value: basic('ssha:oak'), verdict: 'mismatch' },
  { value: basic('nobody:ilex'), verdict: 'mismatch' },
  { value: basic(':'), verdict: 'mismatch' },
  { value: basic('plain'), verdict: 'malformed' },
  { value: 'Bearer token', verdict: 'malformed' },
  { value: 'Basic !!!', verdict: 'malformed' },
  { value: undefined, verdict: 'missing' },
]) {
  test(`basicauth says ${verdict} to ${value}`, async () => {
    const server = new BasicAuthServer('basicauth', configOf<'server'>({ htpasswd: { inline: htpasswd } }), partsOf());
    await server.start();
    assert.equal(await server.verifier.verify(() => value), verdict);
  });
}

test('basicauth checks a hash for users that there are not, too', async () => {
  const checked: string[] = [];
  const compare = async (password: string): Promise<boolean> => checked.push(password) > 0;
  const config = configOf<'server'>({ htpasswd: { inline: htpasswd } });
  const server = new BasicAuthServer('basicauth', config, partsOf(), compare);
  await server.start();
  assert.equal(await server.verifier.verify(() => basic('nobody:x')), 'mismatch');
  assert.deepEqual(checked, ['x']);
});

function file(t: TestContext, text: string): { path: string; write: (text: string) => void } {
  const folder = mkdtempSync(join(tmpdir(), 'framekeeper-auth-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'file');
  const write = (content: string): void => writeFileSync(path, content);
  write(text);
  return { path, write };
}

/** Moves the clock until something is logged. */
async function until({ signal }: TestContext, { clock, log }: ReturnType<typeof partsOf>, msg: string): Promise<void> {
  while (!log.lines.some((line) => line.msg.startsWith(msg))) {
    signal.throwIfAborted();
    await clock.advance(10_000);
  }
}

test('basicauth reads its htpasswd file again, and the inline lines go before it', async (t) => {
  const { path, write } = file(t, 'one:first\ntwo:first\n');
  const parts = partsOf();
  const config = configOf<'server'>({ htpasswd: { file: path, inline: 'two:inline' } });
  const server = new BasicAuthServer('basicauth', config, parts);
  await server.start();
  t.after(() => server.stop());
  const verdict = (text: string): unknown => server.verifier.verify(() => basic(text));
  assert.deepEqual(await Promise.all(['one:first', 'two:first', 'two:inline'].map(verdict)), ['ok', 'mismatch', 'ok']);
  write('one:$apr1$salt$hash\n');
  await until(t, parts, 'Credentials have changed but');
  const [line] = parts.log.lines.filter(({ level }) => level > 30);
  assert.match(
    String(line!.error),
    /^extensions\.basicauth\.htpasswd\.file: .*: line 1 has a hash that is not supported/,
  );
  assert.equal(await verdict('one:first'), 'ok');
  write('one:second\n');
  await until(t, parts, 'Credentials have changed and');
  assert.deepEqual(await Promise.all(['one:first', 'one:second', 'two:inline'].map(verdict)), ['mismatch', 'ok', 'ok']);
});

test('basicauth sends a user name and a password, read again from their files', async (t) => {
  const fixed = new BasicAuthClient(
    'basicauth',
    configOf<'client'>({ client_auth: { username: 'me', password: 'a:b' } }),
    partsOf(),
  );
  await fixed.start();
  assert.deepEqual(fixed.credentials(), [['authorization', basic('me:a:b')]]);
  const { path, write } = file(t, 'first\n');
  const parts = partsOf();
  const settings = { username: 'unused', username_file: file(t, ' me\n').path, password_file: path };
  const client = new BasicAuthClient('basicauth', configOf<'client'>({ client_auth: settings }), parts);
  await client.start();
  t.after(() => client.stop());
  assert.deepEqual(client.credentials(), [['authorization', basic('me:first')]]);
  write('second\n');
  await until(t, parts, 'Credentials have changed and');
  assert.deepEqual(client.credentials(), [['authorization', basic('me:second')]]);
  assert.doesNotMatch(JSON.stringify(parts.log.lines), /first|second/);
});

for (const { values, fault } of [
  { values: {}, fault: /^htpasswd: no credential source provided; write htpasswd for a listener/ },
  {
    values: { htpasswd: {}, client_auth: { username: 'a' } },
    fault: /client_auth: only one of htpasswd or client_auth can be/,
  },
  { values: { htpasswd: { file: '' } }, fault: /^htpasswd\.file: no credential source provided; write file or inline/ },
  { values: { htpasswd: { inline: 'a:b\nplanted31337' } }, fault: /^htpasswd\.inline: line 2 is not user:password/ },
  { values: { htpasswd: { inline: 'a:$2y$10$31337' } }, fault: /line 1 has a bcrypt hash that is not whole/ },
  {
    values: { htpasswd: { inline: `a:$2y$31$${'a'.repeat(53)}` } },
    fault: /line 1 has a bcrypt cost of 31; use at most 15/,
  },
  { values: { htpasswd: { inline: 'a:{SHA}31337' } }, fault: /line 1 has a SHA hash that is not whole/ },
  {
    values: { client_auth: { password: '31337' } },
    fault: /^client_auth\.username: is empty; write username or username_file/,
  },
  { values: { client_auth: { username: 'a:b' } }, fault: /^client_auth\.username: has a ":"/ },
]) {
  test(`basicauth refuses ${JSON.stringify(values).slice(0, 60)}`, () => {
    const problems: { path: string; problem: string; remedy: string }[] = [];
    basicAuthTable.read(new ConfigSection('', values, problems));
    const text = problems.map(({ path, problem, remedy }) => `${path}: ${problem}; ${remedy}.`).join('\n');
    assert.match(text, fault);
    assert.doesNotMatch(text, /31337/);
  });
}
