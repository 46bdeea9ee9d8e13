import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConfigProblem } from '../../src/config/config-error.ts';
import { ConfigSection } from '../../src/config/config-section.ts';
import { symbolStoreType } from '../../src/symbols/symbol-store-config.ts';
import { configOf } from './store-harness.ts';

test('symbol_store has a default for every key', () => {
  assert.deepEqual(configOf(), {
    lifetimeMs: 3_600_000,
    maxEntries: 1_000_000,
    maxBytes: 256 * 1024 * 1024,
    stubs: { maxProcesses: 16_384, maxPerProcess: 65_536, maxTotal: 250_000, maxBytes: 64 * 1024 * 1024 },
    neededNames: { intervalMs: 5000, maxPending: 8192 },
    snapshot: undefined,
  });
});

test('symbol_store takes every key', () => {
  const config = configOf({
    lifetime: '3s',
    max_entries: 100,
    max_size_mib: 2,
    stubs: { max_processes: 3, max_per_process: 4, max_total: 50, max_size_mib: 6 },
    names_needed: { interval: '7s', max_pending: 8 },
    snapshot: { path: '/var/lib/framekeeper/symbols', interval: '1m', max_size_mib: 9 },
  });
  assert.deepEqual(config, {
    lifetimeMs: 3000,
    maxEntries: 100,
    maxBytes: 2 * 1024 * 1024,
    stubs: { maxProcesses: 3, maxPerProcess: 4, maxTotal: 50, maxBytes: 6 * 1024 * 1024 },
    neededNames: { intervalMs: 7000, maxPending: 8 },
    snapshot: { path: '/var/lib/framekeeper/symbols', intervalMs: 60_000, maxBytes: 9 * 1024 * 1024 },
  });
});

for (const { name, snapshot, expected } of [
  { name: 'has defaults', snapshot: { path: 'symbols' }, expected: { intervalMs: 300_000, maxBytes: 512 << 20 } },
  { name: 'is off when its path is an empty variable', snapshot: { path: '' }, expected: undefined },
  { name: 'is off when it says so', snapshot: { path: 'symbols', enabled: false }, expected: undefined },
]) {
  test(`the snapshot ${name}`, () => {
    assert.deepEqual(configOf({ snapshot }).snapshot, expected && { path: 'symbols', ...expected });
  });
}

test('a small store has room for fewer stubs without being told', () => {
  for (const maxEntries of [1, 2, 7, 100_000]) {
    const { maxTotal } = configOf({ max_entries: maxEntries }).stubs;
    assert.equal(maxTotal, Math.ceil(maxEntries / 2));
  }
});

for (const { name, yaml, path } of [
  { name: 'a lifetime under a second', yaml: { lifetime: '10ms' }, path: 'lifetime' },
  { name: 'a lifetime of a year', yaml: { lifetime: '8760h' }, path: 'lifetime' },
  { name: 'no entries', yaml: { max_entries: 0 }, path: 'max_entries' },
  {
    name: 'stubs that would fill the store',
    yaml: { max_entries: 100, stubs: { max_total: 51 } },
    path: 'stubs.max_total',
  },
  { name: 'an unknown key', yaml: { max_entires: 1 }, path: 'max_entires' },
  { name: 'an unknown key of stubs', yaml: { stubs: { max: 1 } }, path: 'stubs.max' },
  { name: 'a snapshot without a path', yaml: { snapshot: {} }, path: 'snapshot.path' },
  { name: 'snapshots all the time', yaml: { snapshot: { path: 'a', interval: '1ms' } }, path: 'snapshot.interval' },
  { name: 'an unknown key of snapshot', yaml: { snapshot: { path: 'a', file: 'b' } }, path: 'snapshot.file' },
  { name: 'an unknown key of names_needed', yaml: { names_needed: { max: 1 } }, path: 'names_needed.max' },
]) {
  test(`symbol_store refuses ${name}`, () => {
    const problems: ConfigProblem[] = [];
    symbolStoreType.table.read(new ConfigSection('processors.symbol_store', yaml, problems));
    assert.deepEqual(
      problems.map((found) => found.path),
      [`processors.symbol_store.${path}`],
    );
    assert.notEqual(problems[0]!.remedy, '');
  });
}
