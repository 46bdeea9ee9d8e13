import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { newestCollector } from './build-collector.ts';
import { locatePeers } from './peers.ts';

const execFileAsync = promisify(execFile);
const folder = join(import.meta.dirname, '../../docker');

test('compose.yaml is a compose file, with every profile switched on', async () => {
  const env = { ...process.env, COMPOSE_PROFILES: '*' };
  const options = { cwd: folder, env };
  const { stdout } = await execFileAsync(locatePeers().composeSpec, ['-format', 'json', 'compose.yaml'], options);
  const { services } = JSON.parse(stdout) as { services: object };
  assert.deepEqual(Object.keys(services).sort(), ['collector-behind', 'collector-front', 'framekeeper', 'replay']);
});

for (const file of ['collector-behind.yaml', 'collector-front.yaml']) {
  test(`the Collector accepts docker/${file}`, async () => {
    const args = ['validate', '--config', join(folder, file), '--feature-gates', 'service.profilesSupport'];
    await execFileAsync(locatePeers().collectors[newestCollector], args);
  });
}
