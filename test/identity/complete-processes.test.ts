import assert from 'node:assert/strict';
import { test } from 'node:test';
import { completeProcesses } from '../../src/identity/complete-processes.ts';
import type { AnyValue } from '../../src/otlp/profiles-data.ts';
import { atOnce } from '../../src/support/steps.ts';

type Attributes = Readonly<Record<string, AnyValue>>;

const early: Attributes = { 'process.pid': 42n, 'process.executable.path': '/usr/bin/shop' };
const late: Attributes = { ...early, 'container.id': 'ab' };

for (const { name, given, completed = given } of [
  { name: 'one that is told later with more', given: [early, late], completed: [late, late] },
  { name: 'one that was told with more before', given: [late, early], completed: [late, late] },
  {
    name: 'one that is told with more and more',
    given: [early, late, { ...late, 'service.name': 'shop' }],
    completed: Array(3).fill({ ...late, 'service.name': 'shop' }),
  },
  { name: 'nothing that two could complete', given: [early, late, { ...early, 'container.id': 'cd' }] },
  { name: 'nothing that says something else', given: [{ ...early, 'thread.name': 'x' }, late] },
  { name: 'no other process', given: [{ ...early, 'process.pid': 43n }, late] },
  { name: 'no other executable', given: [{ ...early, 'process.executable.path': '/usr/bin/sh' }, late] },
  {
    name: 'none of another host',
    given: [
      { ...early, 'host.name': 'a' },
      { ...late, 'host.name': 'b' },
    ],
  },
  { name: 'none of a host where the other tells no host', given: [early, { ...late, 'host.id': 'b' }] },
  {
    name: 'no thread of the kernel, which has no executable',
    given: [
      { 'process.pid': 2n, 'process.executable.path': '' },
      { 'process.pid': 2n, 'process.executable.path': '', a: 'x' },
    ],
  },
  {
    name: 'none without a path, whose ID may be used again',
    given: [{ 'process.pid': 42n }, { 'process.pid': 42n, a: 'x' }],
  },
  { name: 'no equal ones', given: [early, { ...early }] },
  {
    name: 'sixteen of a process at most are compared, of which a sender could make up thousands',
    given: [...Array.from({ length: 16 }, () => early), late],
  },
] satisfies { name: string; given: Attributes[]; completed?: Attributes[] }[]) {
  test(`resources of one process become one: ${name}`, () => {
    const lists = given.map((each) => Object.entries(each).map(([key, value]) => ({ key, value })));
    let skipped = 0;
    const count = (added: number): void => {
      skipped += added;
    };
    const found = atOnce(completeProcesses(lists, count)).map((list) =>
      Object.fromEntries(list.map(({ key, value }) => [key, value])),
    );
    assert.deepEqual([found, skipped], [completed, Math.max(0, given.length - 16)]);
  });
}
