import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { runChild, waitForHealth } from '../support/child-process.ts';

// What docker/Dockerfile does, in a folder: compiled code, production dependencies, nothing else. Run `npm run build`
// first. A dependency that is needed and only there for development, or a file that is not copied, shows here.
const project = join(import.meta.dirname, '../..');
const copied = ['package.json', 'package-lock.json', 'proto', 'dist', 'otel-config.yaml'];
// Not 127.0.0.1: shows that the variable which the image sets reaches every listener.
const host = '127.0.0.41';
let image: string;

before(() => {
  image = mkdtempSync(join(tmpdir(), 'framekeeper-image-'));
  for (const name of copied) cpSync(join(project, name), join(image, name), { recursive: true });
  execFileSync('npm', ['ci', '--omit=dev', '--ignore-scripts'], { cwd: image, stdio: 'pipe' });
});
after(() => rmSync(image, { recursive: true, force: true }));

test('the image has no development dependency', () => {
  assert.equal(existsSync(join(image, 'node_modules/typescript')), false);
});

test('the compiled program tells its version', () => {
  const { stdout, status } = runDist('--version');
  assert.equal(status, 0);
  assert.match(stdout, /\d+\.\d+\.\d+/);
});

test('the compiled program accepts the shipped configuration', () => {
  const { stderr, status } = runDist('validate', '--config', 'otel-config.yaml');
  assert.equal(status, 0, stderr);
});

test('the compiled program is a few files, not hundreds: the bundle is what it loads', () => {
  assert.match(readFileSync(join(image, 'dist/main.js'), 'utf8'), /import\('\.\/program\/run\.js'\)/);
});

test('the bundle finds what lies beside its parts: assets of the live page, and the decoding thread', async (t) => {
  const env = { ...process.env, FRAMEKEEPER_HOST: host };
  const child = runChild(process.execPath, ['dist/main.js', '--config', 'otel-config.yaml'], { folder: image, env });
  t.after(() => child.stop());
  await waitForHealth(`http://${host}:13133/`, child);
  const page = await fetch(`http://${host}:13133/live`);
  assert.equal(page.status, 200);
  assert.match(await page.text(), /<html/);
  // More JSON than is decoded at once.
  const request = { resourceProfiles: [], dictionary: { stringTable: ['', 'x'.repeat(100_000)] } };
  const answer = await fetch(`http://${host}:4318/v1development/profiles`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(request),
  });
  assert.equal(answer.status, 200, await answer.text());
  assert.equal(await child.stop(), 0, child.output());
});

test('the compiled program becomes healthy where the image makes it listen, and stops on SIGTERM', async (t) => {
  const env = { ...process.env, FRAMEKEEPER_HOST: host };
  const child = runChild(process.execPath, ['dist/main.js', '--config', 'otel-config.yaml'], { folder: image, env });
  t.after(() => child.stop());
  await waitForHealth(`http://${host}:13133/`, child);
  assert.equal((await fetch(`http://${host}:8888/metrics`)).status, 200);
  assert.equal(healthCheckStatus(), 0, 'the health check of the image');
  assert.equal(await child.stop(), 0, child.output());
  assert.notEqual(healthCheckStatus(), 0, 'the health check of an image whose service is gone');
});

/** Exit code of the Dockerfile's HEALTHCHECK, run on this machine. */
function healthCheckStatus(): number | null {
  const dockerfile = readFileSync(join(project, 'docker/Dockerfile'), 'utf8');
  const [, words] = /^HEALTHCHECK .*\n +CMD (\[.*\])$/m.exec(dockerfile)!;
  const [command, ...args] = (JSON.parse(words!) as string[]).map((word) => word.replace('127.0.0.1', host));
  return spawnSync(command!, args).status;
}

function runDist(...args: readonly string[]): { stdout: string; stderr: string; status: number | null } {
  return spawnSync(process.execPath, ['dist/main.js', ...args], { cwd: image, encoding: 'utf8' });
}
