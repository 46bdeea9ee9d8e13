import assert from 'node:assert/strict';
import { test } from 'node:test';
import { frameKinds } from '../../src/model/frame-kind.ts';
import type { WindowResource } from '../../src/profile/build/window-contents.ts';
import { SampleWindow } from '../../src/reporter/sample-window.ts';
import { fileIdOf, processOf } from '../support/batch.ts';

function resourceOf(change: Partial<WindowResource> = {}): WindowResource {
  const collectorAttributes = new Map([['host.name', 'a']]);
  return { collectorAttributes, scopeName: 'p', scopeVersion: '1', process: processOf(42), ...change };
}

test('SampleWindow has a resource once, however often its process comes, and whatever comes between', () => {
  const window = new SampleWindow();
  const others = [
    { scopeName: 'q' },
    { scopeVersion: '2' },
    { collectorAttributes: new Map([['host.name', 'b']]) },
    { collectorAttributes: new Map() },
    ...[
      { startTimeNano: 99n },
      { comm: 'other' },
      { executablePath: '/other' },
      { containerId: 'c' },
      { serviceName: 's' },
      { labels: new Map([['k', 'v']]) },
      { labels: new Map([['k', 'w']]) },
    ].map((change) => ({ process: { ...processOf(42), ...change } })),
  ].map(resourceOf);
  const first = window.internResource(resourceOf());
  for (const [index, other] of others.entries()) {
    assert.equal(window.internResource(other), index + 1);
    assert.equal(window.internResource({ ...other }), index + 1, 'at once again');
    assert.equal(window.internResource(resourceOf()), first, 'after another of the same process ID');
    assert.equal(window.internResource(other), index + 1);
  }
  assert.equal(window.resources.length, others.length + 1);
});

test('SampleWindow has a mapping and a profile type once, whichever came before', () => {
  const window = new SampleWindow();
  const mappings = [
    [0, 1n, 2n, 3n],
    [1, 1n, 2n, 3n],
    [0, 0n, 2n, 3n],
    [0, 1n, 9n, 3n],
    [0, 1n, 2n, 0n],
  ] as const;
  const intern = (number: number): number => {
    const [file, start, end, fileOffset] = mappings[number]!;
    return window.internMapping(file, start, end, fileOffset);
  };
  const type = { sampleType: 'samples', sampleUnit: 'count', periodType: 'cpu', periodUnit: 'nanoseconds', period: 5n };
  const changes = [{ sampleType: 'x' }, { sampleUnit: 'x' }, { periodType: 'x' }, { periodUnit: 'x' }, { period: 6n }];
  const types = [type, ...changes.map((change) => ({ ...type, ...change }))];
  for (const [index] of mappings.entries()) {
    for (let i = 0; i <= index; i++) assert.equal(intern(i), i);
    assert.equal(intern(index), index);
  }
  for (const [index] of types.entries()) {
    for (let i = 0; i <= index; i++) assert.equal(window.internProfileType({ ...types[i]! }), i);
  }
  assert.deepEqual([window.mappings.length, window.profileTypes.length], [mappings.length, types.length]);
});

test('SampleWindow has the same entries after it made room for more, and makes it in steps', () => {
  const window = new SampleWindow();
  const count = 40_000;
  const place = window.frames.internPlace(window.internFile(fileIdOf(1)), frameKinds.native, -1);
  const moment = Uint32Array.of(7, 0);
  const key = { resource: 1, profileType: 2, link: -1, threadId: 3, threadName: 4, cpu: -1, labels: -1 };
  const add = (from: number, to: number): number[] => {
    const numbers: number[] = [];
    for (let i = from; i < to; i++) {
      const frame = window.internFrame(place, 1, 16 * i);
      const stack = window.stacks.intern(Int32Array.of(frame), 1, false);
      const sample = window.samples.intern({ ...key, stack });
      if (sample === window.events.count) window.events.add(sample, moment, moment, 0, 1);
      numbers.push(frame, stack, window.samples.stack(window.events.sample(stack)));
    }
    return numbers;
  };
  const before = add(0, count);
  const makeRoom = window.makeRoom({ frames: 100_000, stacks: 100_000, samples: 100_000 });
  let steps = 1;
  while (makeRoom.next().done !== true) steps++;
  assert.ok(steps > 10, `${steps} steps`);
  assert.deepEqual(add(0, count), before);
  assert.deepEqual(add(count, count + 3).slice(0, 2), [count, count]);
  assert.equal(window.events.count, count + 3);
  assert.deepEqual([window.events.unixNano(9), window.events.value(9), window.samples.threadId(9)], [7n, 7n, 3]);
});
