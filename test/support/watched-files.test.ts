import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WatchedFiles } from '../../src/support/watched-files.ts';
import { FakeClock } from './fake-clock.ts';

interface Watch {
  readonly clock: FakeClock;
  readonly files: WatchedFiles<string>;
  /** What was told, in order. */
  readonly told: string[];
  /** What a read finds from now on; an error is thrown. */
  set(content: string | Error): void;
}

/** Watches one file of words; "bad" cannot be used. */
function watch(intervalMs = 1_000): Watch {
  const clock = new FakeClock();
  const told: string[] = [];
  let content: string | Error = 'first';
  const files = new WatchedFiles({
    read: async () => {
      if (content instanceof Error) throw content;
      return [Buffer.from(content)];
    },
    parse: ([bytes]) => {
      if (String(bytes) === 'bad') throw new Error('cannot be used');
      return String(bytes);
    },
    intervalMs,
    clock,
    onChange: (value) => told.push(value),
    onFault: ({ message }) => told.push(`fault: ${message}`),
  });
  const set = (next: string | Error): void => {
    content = next;
  };
  return { clock, files, told, set };
}

test('WatchedFiles tells of what has changed, and of nothing else', async () => {
  const { clock, files, told, set } = watch();
  assert.equal(await files.start(), 'first');
  await clock.advance(3_000);
  assert.deepEqual(told, []);
  set('second');
  await clock.advance(999);
  assert.deepEqual(told, []);
  await clock.advance(3_000);
  assert.deepEqual(told, ['second']);
  files.stop();
});

test('WatchedFiles does not use what is still being written', async () => {
  const { clock, files, told, set } = watch(10_000);
  await files.start();
  set('sec');
  await clock.advance(10_500);
  set('second');
  await clock.advance(600);
  assert.deepEqual(told, []);
  await clock.advance(1_000);
  assert.deepEqual(told, ['second']);
  set('third');
  await clock.advance(10_500);
  set('second');
  await clock.advance(20_000);
  assert.deepEqual(told, ['second'], 'what has come back is no change');
  files.stop();
});

test('WatchedFiles tells once of each state that cannot be used, and takes what comes after it', async () => {
  const { clock, files, told, set } = watch();
  await files.start();
  for (const state of ['bad', new Error('gone'), 'bad', 'second']) {
    set(state);
    await clock.advance(5_000);
  }
  assert.deepEqual(told, ['fault: cannot be used', 'fault: gone', 'fault: cannot be used', 'second']);
  files.stop();
});

test('WatchedFiles does not start with what cannot be read or used', async () => {
  for (const state of ['bad', new Error('gone')]) {
    const { files, set } = watch();
    set(state);
    await assert.rejects(files.start(), /cannot be used|gone/);
  }
});

test('WatchedFiles does not look again once it is stopped, nor with an interval of 0', async () => {
  const once = watch(0);
  await once.files.start();
  const stopped = watch();
  await stopped.files.start();
  stopped.files.stop();
  for (const { clock, told, set } of [once, stopped]) {
    set('second');
    await clock.advance(10_000);
    assert.deepEqual([told, clock.sleeperCount], [[], 0]);
  }
});
