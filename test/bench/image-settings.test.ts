import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { imageMalloc } from './peers/contenders.ts';

const project = join(import.meta.dirname, '../..');

for (const file of ['docker/Dockerfile', 'deploy/systemd/framekeeper.service', 'docs/sizing.md']) {
  test(`${file} sets up memory as what is measured beside the Collector has it`, () => {
    const text = readFileSync(join(project, file), 'utf8');
    for (const [name, value] of Object.entries(imageMalloc)) assert.match(text, new RegExp(`\\b${name}=${value}\\b`));
  });
}
