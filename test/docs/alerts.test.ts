import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';

const root = join(import.meta.dirname, '../..');

test('the page on troubleshooting says of each alert what to look at, and of no other', () => {
  const rules = readFileSync(join(root, 'deploy/prometheus/framekeeper.rules.yaml'), 'utf8');
  const { groups } = parse(rules) as { groups: { rules: { alert: string }[] }[] };
  const alerts = groups.flatMap((group) => group.rules.map(({ alert }) => alert));
  const page = readFileSync(join(root, 'docs/troubleshooting.md'), 'utf8');
  const told = [...page.matchAll(/^\| `(Framekeeper\w+)` \|/gm)].map(([, alert]) => alert);
  assert.deepEqual(told.sort(), alerts.sort());
});
