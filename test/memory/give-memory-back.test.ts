import assert from 'node:assert/strict';
import { test } from 'node:test';
import { giveMemoryBack } from '../../src/memory/give-memory-back.ts';
import { FakeClock } from '../support/fake-clock.ts';

const mib = 1024 * 1024;

/** A process that holds `used` and `garbage`, in MiB, and has used `cpuMs`. */
function startGivingBack() {
  const clock = new FakeClock();
  const held = { used: 70, garbage: 10, cpuMs: 0, collections: 0 };
  const memory = {
    read: () => ({ rssBytes: (held.used + held.garbage) * mib, heapBytes: 0, externalBytes: 0, threadBytes: 0 }),
    collectGarbage: async () => {
      held.collections += 1;
      held.garbage = 0;
    },
  };
  const end = giveMemoryBack(memory, clock, () => held.cpuMs);
  return { clock, held, end };
}

test('what the start has left is given back after a minute, and later only what has grown since', async () => {
  const { clock, held, end } = startGivingBack();
  await clock.advance(59_000);
  assert.equal(held.collections, 0);
  await clock.advance(2_000);
  assert.deepEqual([held.collections, held.garbage], [1, 0]);
  held.garbage = 11;
  await clock.advance(600_000);
  assert.equal(held.collections, 1);
  held.garbage = 12;
  await clock.advance(60_000);
  assert.equal(held.collections, 2);
  end();
});

test('memory that is in use is looked through once', async () => {
  const { clock, held, end } = startGivingBack();
  held.used = 300;
  await clock.advance(3_600_000);
  assert.equal(held.collections, 1);
  end();
});

test('growth that is in use is looked through less and less, until there is garbage again', async () => {
  const { clock, held, end } = startGivingBack();
  await clock.advance(60_000);
  const collectedAt: number[] = [];
  for (let grown = 4; grown <= 160; grown += 4) {
    const before = held.collections;
    held.used += 4;
    await clock.advance(60_000);
    if (held.collections > before) collectedAt.push(grown);
  }
  assert.deepEqual(collectedAt, [12, 36, 84]);
  held.garbage = 96;
  await clock.advance(60_000);
  held.garbage = 12;
  await clock.advance(60_000);
  assert.equal(held.collections, 6);
  end();
});

test('a busy process keeps its memory until it is quiet', async () => {
  const { clock, held, end } = startGivingBack();
  for (let minute = 1; minute <= 5; minute++) {
    held.cpuMs += 6_000;
    await clock.advance(60_000);
  }
  assert.equal(held.collections, 0);
  await clock.advance(60_000);
  assert.equal(held.collections, 1);
  end();
  held.garbage = 100;
  await clock.advance(600_000);
  assert.equal(held.collections, 1);
});

test('a look at the memory that fails, as without a free file descriptor, ends nothing', async () => {
  const clock = new FakeClock();
  let reads = 0;
  let collections = 0;
  const memory = {
    read: () => {
      reads++;
      if (reads === 1) throw new Error('EMFILE: too many open files, uv_resident_set_memory');
      return { rssBytes: 100 * mib, heapBytes: 0, externalBytes: 0, threadBytes: 0 };
    },
    collectGarbage: async () => void collections++,
  };
  const end = giveMemoryBack(memory, clock, () => 0);
  await clock.advance(60_000);
  assert.deepEqual([reads, collections], [1, 0]);
  await clock.advance(60_000);
  assert.equal(collections, 1);
  end();
});
