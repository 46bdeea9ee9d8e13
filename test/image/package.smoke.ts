import assert from 'node:assert/strict';
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { decodeProfilesData } from '../../src/otlp/protobuf/decode-profiles-data.ts';
import { runChild } from '../support/child-process.ts';
import { patienceMs } from '../support/patience.ts';
import { testProgram } from './program-contract.ts';

// The package as `npm pack` makes it, in the project of a user who has OpenTelemetry JS. Run `npm run build` first.
const project = join(import.meta.dirname, '../..');
/** The machine's own, as `npx` would use it. */
const olderNode = ['/usr/bin/node', '/usr/local/bin/node'].find((path) => {
  const { stdout } = spawnSync(path, ['--version'], { encoding: 'utf8' });
  return Number(/^v(\d+)/.exec(stdout ?? '')?.[1] ?? 99) < 22;
});
let user: string;
let tarball: string;

before(() => {
  user = mkdtempSync(join(tmpdir(), 'framekeeper-package-'));
  const installed = join(user, 'node_modules/framekeeper');
  mkdirSync(installed, { recursive: true });
  const pack = ['pack', '--ignore-scripts', '--silent', '--pack-destination', user];
  tarball = join(user, execFileSync('npm', pack, { cwd: project, encoding: 'utf8' }).trim());
  execFileSync('tar', ['-xzf', tarball, '--strip-components=1', '-C', installed]);
  for (const name of ['@opentelemetry', '@types', 'undici-types']) {
    symlinkSync(join(project, 'node_modules', name), join(user, 'node_modules', name));
  }
  for (const name of ['exporter.mts', 'tsconfig.json']) {
    cpSync(join(import.meta.dirname, 'fixtures/package-user', name), join(user, name));
  }
  writeFileSync(join(user, 'package.json'), '{ "type": "module" }');
});
after(() => rmSync(user, { recursive: true, force: true }));

test('the types of framekeeper/otlp-profiles fit an OpenTelemetry JS exporter in a strict project', () => {
  // Throws with the compiler's output.
  execFileSync(join(project, 'node_modules/.bin/tsc'), ['-p', user], { encoding: 'utf8', stdio: 'pipe' });
});

test("OpenTelemetry JS's HTTP exporter sends profiles with the serializer of the package", async (t) => {
  const received: Buffer[] = [];
  const server = createServer(async (request, response) => {
    received.push(await buffer(request));
    response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
  }).listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1development/profiles`;
  const { stdout } = await promisify(execFile)(process.execPath, ['exporter.mts', url], { cwd: user });
  assert.equal(stdout, '0\n');
  const { dictionary } = decodeProfilesData(received[0]!);
  assert.deepEqual([...dictionary.stringTable], ['', 'from an exporter of OpenTelemetry JS']);
});

test('framekeeper/otlp-profiles loads the encoder and nothing of the service', () => {
  const loaded = loadedFiles(`import { ProfilesSerializer } from 'framekeeper/otlp-profiles';`);
  const own = loaded.map((file) => file.replace(/^.*node_modules\/framekeeper\//, ''));
  assert.deepEqual(own, ['dist/otlp/profiles-serializer.js']);
  const { size } = statSync(join(user, 'node_modules/framekeeper', own[0]!));
  assert.ok(size < 50_000, `${size} bytes`);
});

test('framekeeper/otlp-profiles can be required by CommonJS', () => {
  const text = `console.log(typeof require('framekeeper/otlp-profiles').ProfilesSerializer.serializeRequest)`;
  assert.equal(run('--input-type=commonjs', '-e', text), 'function\n');
});

test('nothing else of the package can be imported', () => {
  const text = `await import('framekeeper/dist/main.js').catch(({ code }) => console.log(code))`;
  assert.equal(run('--input-type=module', '-e', text), 'ERR_PACKAGE_PATH_NOT_EXPORTED\n');
});

test('npx framekeeper demo, from the packed tarball in an empty folder, replays the recordings and ends', {
  timeout: 2 * patienceMs,
}, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'framekeeper-npx-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  execFileSync('npm', ['install', '--ignore-scripts', '--no-audit', '--silent', '--prefix', folder, tarball]);
  const env = { ...process.env, FRAMEKEEPER_HOST: '127.0.0.47' };
  const demo = runChild('npx', ['--no-install', 'framekeeper', 'demo', '--once', '--speed', '10', 'node'], {
    folder,
    env,
  });
  t.after(() => demo.kill());
  assert.equal(await demo.ended(), 0, demo.output());
  assert.match(demo.output(), /http:\/\/127\.0\.0\.47:13133\/live/);
  assert.match(demo.output(), /[1-9]\d* samples sent and accepted, 0 rejected/);
  // Bundled, so that what is installed is what was tested.
  assert.deepEqual(
    readdirSync(join(folder, 'node_modules')).filter((name) => !name.startsWith('.')),
    ['framekeeper'],
  );
});

test('the package holds what the program reads, and nothing else', () => {
  const files = execFileSync('tar', ['-tzf', tarball], { encoding: 'utf8' }).trimEnd().split('\n');
  const tops = new Set(files.map((file) => file.split('/')[1]!));
  assert.deepEqual([...tops].sort(), [
    'LICENSE',
    'README.md',
    'dist',
    'otel-config.yaml',
    'package.json',
    'proto',
    'recordings',
  ]);
  assert.deepEqual(
    files.filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts')),
    [],
  );
  const { size } = statSync(tarball);
  assert.ok(size < 2_500_000, `${size} bytes`);
  assert.ok(files.length < 170, `${files.length} files`);
  for (const name of ['sbom.cdx.json', 'THIRD-PARTY-NOTICES.txt']) assert.ok(files.includes(`package/dist/${name}`));
});

test('an older Node.js says which one is needed', {
  skip: olderNode === undefined && 'no older Node.js is installed',
}, () => {
  const main = join(user, 'node_modules/framekeeper/dist/main.js');
  const { status, stderr } = spawnSync(olderNode!, [main, 'demo'], { encoding: 'utf8' });
  assert.deepEqual(
    [status, /^framekeeper needs Node\.js 22\.19 or newer and runs on \d+\./.test(stderr)],
    [1, true],
    stderr,
  );
});

test('packages that are loaded late need no other package', () => {
  const folder = join(user, 'node_modules/framekeeper/dist/packages');
  const files = readdirSync(folder).filter((name) => name.endsWith('.cjs'));
  assert.ok(files.length >= 5, files.join(' '));
  const text = `for (const file of ${JSON.stringify(files)}) console.log(Object.keys(require('${folder}/' + file)).length > 0)`;
  assert.equal(run('--input-type=commonjs', '-e', text), 'true\n'.repeat(files.length));
});

// Without the packages that it was made of: all of them are in it.
testProgram({
  name: 'the npm package',
  command: () => [process.execPath, join(user, 'node_modules/framekeeper/dist/main.js')],
});

/** Paths of all files that Node.js loads for `code`, packages included. */
function loadedFiles(code: string): string[] {
  const hook = `
    import { registerHooks } from 'node:module';
    registerHooks({ load(url, context, next) { if (url.startsWith('file:')) console.log(new URL(url).pathname); return next(url, context); } });`;
  const preload = `data:text/javascript,${encodeURIComponent(hook)}`;
  return run('--import', preload, '--input-type=module', '-e', code).trimEnd().split('\n');
}

function run(...args: readonly string[]): string {
  return execFileSync(process.execPath, args, { cwd: user, encoding: 'utf8' });
}
