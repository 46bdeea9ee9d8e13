import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { runChild, waitForHealth } from '../support/child-process.ts';

// Debian's package, built and installed by dpkg below a folder. Run `npm run build:executable` first.
const project = join(import.meta.dirname, '../..');
const isDebian = spawnSync('dpkg-deb', ['--version']).status === 0;
const skip = isDebian ? false : 'dpkg is not installed: this is no Debian';
const host = '127.0.0.43';
let folder: string;
let root: string;

before(() => {
  if (!isDebian) return;
  folder = mkdtempSync(join(tmpdir(), 'framekeeper-debian-'));
  root = join(folder, 'root');
  const env = { ...process.env, COMPRESSION: 'gzip' };
  execFileSync(join(project, 'deploy/debian/build'), [folder], { env, stdio: 'pipe' });
  mkdirSync(join(root, 'var/lib/dpkg'), { recursive: true });
  writeFileSync(join(root, 'var/lib/dpkg/status'), '');
  dpkg('--install', packageFile());
});
after(() => {
  if (isDebian) rmSync(folder, { recursive: true, force: true });
});

test('dpkg knows the package, and lists the configuration as the user’s own', { skip }, () => {
  const status = readFileSync(join(root, 'var/lib/dpkg/status'), 'utf8');
  assert.match(status, /^Status: install ok installed$/m);
  assert.match(status, /^ \/etc\/framekeeper\/otel-config\.yaml [0-9a-f]{32}$/m);
});

test('the installed program needs no Node.js but its own and becomes healthy', { skip }, async (t) => {
  const env = { PATH: '/usr/bin:/bin', FRAMEKEEPER_HOST: host };
  const config = join(root, 'etc/framekeeper/otel-config.yaml');
  const child = runChild(join(root, 'usr/bin/framekeeper'), ['--config', config], { env });
  t.after(() => child.stop());
  await waitForHealth(`http://${host}:13133/`, child);
  assert.equal(await child.stop(), 0, child.output());
});

test('systemd finds no fault in the unit, and calls its exposure low', { skip: skip || systemdIsMissing() }, () => {
  const unit = join(root, 'usr/lib/systemd/system/framekeeper.service');
  const text = readFileSync(unit, 'utf8');
  // The program is looked for where the unit says, which is not below this machine's root.
  const here = join(folder, 'framekeeper.service');
  writeFileSync(here, text.replace('ExecStart=/usr/bin', `ExecStart=${root}/usr/bin`));
  const verified = spawnSync('systemd-analyze', ['verify', here], { encoding: 'utf8' });
  const complaints = verified.stderr.split('\n').filter((line) => line.includes('framekeeper'));
  assert.deepEqual(complaints, []);
  const args = ['security', '--offline=true', '--threshold=30', here];
  const judged = spawnSync('systemd-analyze', args, { encoding: 'utf8' });
  assert.equal(judged.status, 0, judged.stdout.split('\n').slice(-3).join('\n'));
});

test('an edited configuration survives removal, and a purge leaves nothing', { skip }, () => {
  const config = join(root, 'etc/framekeeper/otel-config.yaml');
  writeFileSync(config, 'receivers: {}\n');
  dpkg('--remove', 'framekeeper');
  assert.equal(existsSync(join(root, 'usr/bin/framekeeper')), false);
  assert.equal(readFileSync(config, 'utf8'), 'receivers: {}\n');
  dpkg('--purge', 'framekeeper');
  assert.equal(existsSync(config), false);
});

function packageFile(): string {
  return join(folder, readdirSync(folder).find((name) => name.endsWith('.deb'))!);
}

function dpkg(...args: readonly string[]): void {
  // Scripts run outside of the folder and are told where it is; what the package depends on is this machine's.
  const options = [`--root=${root}`, '--force-script-chrootless', '--force-depends', '--force-not-root'];
  execFileSync('dpkg', [...options, ...args], { stdio: 'pipe' });
}

function systemdIsMissing(): string | false {
  return spawnSync('systemd-analyze', ['--version']).status === 0 ? false : 'systemd-analyze is not installed';
}
