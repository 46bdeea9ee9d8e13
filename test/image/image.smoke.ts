import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { after, before, test } from 'node:test';
import type { RunningChild } from '../support/child-process.ts';
import { runChild, waitForHealth } from '../support/child-process.ts';
import { testProgram } from './program-contract.ts';

// The image without a container engine: the file system that docker/Dockerfile puts into it, as root of a process with the user,
// the environment, the entry point and the health check that stand there, read-only but for /tmp. Run `npm run build:executable` first.
const project = join(import.meta.dirname, '../..');
const dockerfile = readFileSync(join(project, 'docker/Dockerfile'), 'utf8');
const busybox = '/bin/busybox';
// Not 127.0.0.1: shows that the variable which the image sets reaches every listener.
const host = '127.0.0.41';
const skip = process.getuid!() === 0 ? false : 'only root can change the root of a process';
let root: string;

before(() => {
  root = mkdtempSync(join(tmpdir(), 'framekeeper-image-'));
  execFileSync(process.execPath, [join(project, 'build/image-root.ts'), root], { stdio: 'pipe' });
  chmodSync(root, 0o755);
  if (existsSync(busybox)) copyFileSync(busybox, join(root, 'usr/bin/wget'));
});
after(() => rmSync(root, { recursive: true, force: true }));

test('the image is one program, its libraries, and no shell', () => {
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) =>
    statSync(join(root, name)).isFile(),
  );
  const programs = files.filter((name) => (statSync(join(root, name)).mode & 0o111) !== 0 && !name.includes('lib'));
  assert.deepEqual(
    programs.filter((name) => name !== 'usr/bin/wget'),
    ['usr/bin/framekeeper'],
  );
  const bytes = files.reduce((sum, name) => sum + statSync(join(root, name)).size, 0);
  assert.ok(bytes < 130e6, `${bytes} bytes`);
  assert.ok(files.length < 30, files.join('\n'));
});

test('scanners find the packages of Debian whose libraries are there, and the bill of materials', () => {
  const known = readdirSync(join(root, 'var/lib/dpkg/status.d')).sort();
  assert.deepEqual(known, ['libc6', 'libgcc-s1', 'libstdc++6']);
  for (const name of known) {
    assert.match(readFileSync(join(root, 'var/lib/dpkg/status.d', name), 'utf8'), /^Version: \d/m);
    assert.ok(existsSync(join(root, 'usr/share/doc', name, 'copyright')));
  }
  assert.match(readFileSync(join(root, 'usr/share/doc/framekeeper/sbom.cdx.json'), 'utf8'), /"CycloneDX"/);
});

testProgram({
  name: 'the image',
  command: () => inImage(...instruction('ENTRYPOINT')),
  root: () => root,
  isUnprivileged: true,
  skip,
});

test('the image becomes healthy by its own command, and stops on SIGTERM', { skip }, async (t) => {
  const child = startImage(t);
  await waitForHealth(`http://${host}:13133/`, child);
  assert.equal((await fetch(`http://${host}:8888/metrics`)).status, 200);
  const [, uid] = /^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))!;
  assert.equal(uid, user().split(':')[0]);
  assert.equal(await child.stop(), 0, child.output());
});

test('the health check of the image starts no Node.js, and tells a service from none', {
  skip: skip || (existsSync(busybox) ? false : 'busybox-static is not installed'),
}, async (t) => {
  const child = startImage(t);
  await waitForHealth(`http://${host}:13133/`, child);
  const [, words] = /^HEALTHCHECK .*\n +CMD (\[.*\])$/m.exec(dockerfile)!;
  const check = (JSON.parse(words!) as string[]).map((word) => word.replace('127.0.0.1', host));
  const status = (): number | null => {
    const [command, ...args] = inImage(...check);
    return spawnSync(command, args, { env: {} }).status;
  };
  assert.equal(check[0], '/usr/bin/wget');
  assert.equal(status(), 0);
  assert.equal(await child.stop(), 0, child.output());
  assert.notEqual(status(), 0);
});

test('the Dockerfile copies what .dockerignore lets through, and takes the Node.js of package.json', () => {
  const admitted = readFileSync(join(project, '.dockerignore'), 'utf8').match(/(?<=^!).+$/gm)!;
  const copied = dockerfile.match(/(?<=^COPY )(?!--).+$/gm)!.flatMap((line) => line.split(' ').slice(0, -1));
  assert.deepEqual([...copied].sort(), [...admitted].sort());
  for (const name of copied) assert.ok(existsSync(join(project, name)), name);
  const { devDependencies } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8'));
  assert.ok(dockerfile.includes(`\nARG NODE_IMAGE=node:${devDependencies.node}-bookworm-slim\n`));
});

function startImage(t: TestContext): RunningChild {
  const [, text] = /^ENV ((?:.|\\\n)*?[^\\])$/m.exec(dockerfile)!;
  const variables = text!.split(/[\s\\]+/).map((pair) => pair.split('=') as [string, string]);
  const env = { ...Object.fromEntries(variables), FRAMEKEEPER_HOST: host };
  const [command, ...args] = inImage(...instruction('ENTRYPOINT'), ...instruction('CMD'));
  const child = runChild(command, args, { env });
  t.after(() => child.kill());
  return child;
}

/** A command with the image as its root, read-only, a /tmp of its own, and the image's user. */
function inImage(...command: readonly string[]): [string, ...string[]] {
  const script = `
    mount --bind "$1" "$1" && mount --bind /proc "$1/proc" && mount --bind /dev "$1/dev" && mount -t tmpfs tmpfs "$1/tmp" &&
      mount -o remount,ro,bind "$1" || exit 99
    root=$1; shift; exec /usr/sbin/chroot --userspec=${user()} "$root" "$@"`;
  return ['/usr/bin/unshare', '--mount', '/bin/sh', '-c', script, 'image', root, ...command];
}

function user(): string {
  return /^USER (.+)$/m.exec(dockerfile)![1]!;
}

function instruction(name: 'ENTRYPOINT' | 'CMD'): string[] {
  return JSON.parse(new RegExp(`^${name} (\\[.*\\])$`, 'm').exec(dockerfile)![1]!) as string[];
}
