import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WindowLimits } from '../../src/reporter/trace-intake.ts';
import { TraceIntake } from '../../src/reporter/trace-intake.ts';
import { batchOf, fileIdOf } from '../support/batch.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { PlainSymbols } from '../support/plain-symbols.ts';

const file = fileIdOf(1);

/** Windows of 1,000 events, or of few bytes, and collectors that send as many samples as they like. */
function createWindows(limits: Partial<WindowLimits> = {}) {
  const all = { maxEvents: 1_000, maxBytes: 1e9, retryDelayMs: 5_000, ...limits };
  const clock = new FakeClock();
  const intake = new TraceIntake(new PlainSymbols(), all, clock);
  let address = 0n;
  const send = (instance: string, count: number) => {
    const samples = Array.from({ length: count }, () => ({ frames: [{ file, address: address++ }], timestamps: [1n] }));
    return intake.submit(batchOf({ collector: { instanceId: instance.repeat(32) }, samples }));
  };
  return { intake, send, clock };
}

for (const { name, limits } of [
  { name: 'events', limits: {} },
  { name: 'bytes', limits: { maxEvents: 1e9, maxBytes: 200_000 } },
]) {
  test(`a collector that floods the window takes no ${name} from one that sends as ever`, () => {
    const { intake, send } = createWindows(limits);
    for (let window = 0; window < 5; window++) {
      for (let part = 0; part < 5; part++) {
        if (window > 0) assert.equal(send('b', 5_000).acceptedSamples < 5_000, true);
        assert.equal(send('a', 20).acceptedSamples, 20, `window ${window}, part ${part}`);
      }
      intake.takeWindow();
    }
    const { window_full: full, share_exceeded: exceeded } = intake.stats.rejectedSamples;
    assert.ok(full + exceeded > 90_000);
    assert.ok(exceeded > 0);
  });
}

test('a large batch that is refused takes nothing from a collector with a small share', () => {
  const maxBytes = 4_000_000;
  const { intake, send } = createWindows({ maxEvents: 1e9, maxBytes });
  for (let window = 0; window < 3; window++) {
    assert.equal(send('a', 1).acceptedSamples, 1);
    intake.takeWindow();
  }
  assert.ok(send('b', 40_000).acceptedSamples > 4_096);
  const { bytes } = intake.stats;
  assert.equal(send('c', 40_000).acceptedSamples, 0);
  assert.equal(intake.stats.bytes, bytes);
  assert.equal(send('a', 1).acceptedSamples, 1);
});

test('a collector that sent little in a short window has room in a longer one beside a flood', () => {
  const { intake, send } = createWindows();
  for (let window = 0; window < 5; window++) {
    assert.equal(send('a', 1).acceptedSamples, 1);
    assert.ok(send('b', 5_000).acceptedSamples < 1_000);
    intake.takeWindow();
  }
  assert.equal(send('a', 1).acceptedSamples, 1);
  send('b', 5_000);
  // A part of 31 of 1,000 events is its own, though twice of what it sent are 2.
  assert.equal(send('a', 30).acceptedSamples, 30);
});

test('two collectors that send more than there is room for get equal parts of the window', () => {
  const { intake, send } = createWindows();
  const accepted = { a: 0, b: 0 };
  for (let window = 0; window < 6; window++) {
    for (const id of ['b', 'a'] as const) {
      const count = send(id, id === 'b' ? 9_000 : 2_000).acceptedSamples;
      if (window > 1) accepted[id] += count;
    }
    intake.takeWindow();
  }
  assert.ok(accepted.a >= 4 * 450 && accepted.b >= 4 * 450, JSON.stringify(accepted));
});

test('a collector alone has the window but for what is kept for newcomers, and one that is new finds room', () => {
  const { intake, send } = createWindows();
  for (let window = 0; window < 3; window++) {
    send('b', 5_000);
    intake.takeWindow();
  }
  assert.equal(send('b', 5_000).acceptedSamples, 938);
  const reply = send('c', 40);
  assert.equal(reply.acceptedSamples, 40);
  assert.match(send('b', 1).rejections[0]!.reason, /no room for this instance beyond its share/);
});

test('made-up instances reserve no more than they send', () => {
  const { intake, send } = createWindows();
  for (let window = 0; window < 3; window++) {
    assert.equal(send('a', 300).acceptedSamples, 300);
    for (let i = 0; i < 200; i++) send(`${i}x`, 1);
    intake.takeWindow();
  }
  assert.equal(send('a', 600).acceptedSamples, 1_000 - 62 - 2 * 200);
});

test('merged profiles have a share too, and leave that of collectors alone', () => {
  const merged = { usage: { events: 0, bytes: 0 } };
  const { intake, send } = createWindows({ merged });
  for (let window = 0; window < 4; window++) {
    // Profiles take all that they may.
    merged.usage = { events: 1_000 - intake.claimed.events, bytes: 0 };
    assert.equal(send('a', 60).acceptedSamples, window === 0 ? 0 : 60, `window ${window}`);
    intake.takeWindow();
    merged.usage = { events: 0, bytes: 0 };
  }
  send('a', 5_000);
  assert.ok(1_000 - intake.claimed.events >= 0);
  assert.ok(intake.window.events.count < 700, 'and collectors leave that of profiles');
});

test('a collector that sends every few seconds is not forgotten in the windows in between, which made-up instances fill', async () => {
  const { intake, send, clock } = createWindows();
  let made = 0;
  const flood = async (windows: number): Promise<void> => {
    for (let window = 0; window < windows; window++) {
      for (let part = 0; part < 3; part++) send(`${++made} `, 1_000);
      await clock.advance(250);
      intake.takeWindow();
    }
  };
  for (let window = 0; window < 2; window++) {
    send('a', 3);
    intake.takeWindow();
  }
  for (let round = 0; round < 4; round++) {
    assert.equal(send('a', 3).acceptedSamples, 3, `round ${round}`);
    intake.takeWindow();
    await flood(20);
    for (let part = 0; part < 3; part++) send(`${++made} `, 1_000);
  }
});

test('a collector that is silent for minutes is forgotten', async () => {
  const { intake, send, clock } = createWindows();
  for (let window = 0; window < 2; window++) {
    send('a', 3);
    await clock.advance(5_000);
    intake.takeWindow();
  }
  for (let window = 0; window < 5; window++) {
    send('b', 5_000);
    await clock.advance(30_000);
    intake.takeWindow();
  }
  // Nothing is reserved for it: all but the part of newcomers.
  assert.equal(send('b', 5_000).acceptedSamples, 938);
});
