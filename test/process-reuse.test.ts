import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SubmittedStub } from '../src/model/frame-batch.ts';
import { frameKinds } from '../src/model/frame-kind.ts';
import { holdBack } from '../src/reporter/hold-back.ts';
import type { SampleWindow } from '../src/reporter/sample-window.ts';
import { TraceIntake } from '../src/reporter/trace-intake.ts';
import { resolveLateNames } from '../src/reporter/window-report.ts';
import { atOnce } from '../src/support/steps.ts';
import { SymbolStore } from '../src/symbols/symbol-store.ts';
import type { BatchSketch } from './support/batch.ts';
import { batchOf, processOf } from './support/batch.ts';
import { FakeClock } from './support/fake-clock.ts';
import { configOf, stubOf } from './symbols/store-harness.ts';

/** A process of which the collector does not know when it started. */
const process = processOf(7, { startTimeNano: 0n });
const limits = { maxEvents: 1_000, maxBytes: 1e9, retryDelayMs: 0 };

function createNode() {
  const store = new SymbolStore(configOf(), () => 0.3);
  const intake = new TraceIntake(store, limits, new FakeClock());
  const submit = (sketch: BatchSketch): unknown => intake.submit(batchOf(sketch));
  return { store, intake, submit };
}

function stub(name: string): SubmittedStub {
  return stubOf({ process }, 0x1000n, 0x100n, name);
}

const sample = { frames: [{ process, address: 0x1010n, kind: frameKinds.v8js }], process, timestamps: [1n] };

function namesOf(window: SampleWindow): (string | undefined)[] {
  return window.symbols.map((symbol) => symbol?.functionName);
}

test('a process ID that is used again within a cycle gets no names of the process before, start time or not', () => {
  const { store, intake, submit } = createNode();
  submit({ stubs: [stub('old')], samples: [sample], processExits: [process] });
  submit({ samples: [sample] });
  submit({ stubs: [stub('new')], samples: [sample] });
  const window = intake.takeWindow();
  atOnce(resolveLateNames(window, store.at(0)));
  assert.deepEqual(namesOf(window), ['old', 'new']);
});

test('a process that has exited gets no late names of the next one with its ID', () => {
  const { store, intake, submit } = createNode();
  submit({ samples: [sample], processExits: [process] });
  submit({ stubs: [stub('new')] });
  const window = intake.takeWindow();
  atOnce(resolveLateNames(window, store.at(0)));
  assert.deepEqual(namesOf(window), [undefined]);
  // Its sample waits in the next window, beside those of the new process.
  atOnce(holdBack(window, intake.window, limits));
  submit({ samples: [sample] });
  const next = intake.takeWindow();
  atOnce(resolveLateNames(next, store.at(0)));
  assert.deepEqual(namesOf(next), [undefined, 'new']);
});

test('stubs that come after an exit do not mix with those of the process before', () => {
  const { intake, submit } = createNode();
  submit({ stubs: [stub('old'), stubOf({ process }, 0x2000n, 0x100n, 'old too')] });
  submit({ processExits: [process] });
  submit({ stubs: [stub('new')] });
  submit({ samples: [{ ...sample, frames: [{ process, address: 0x2010n, kind: frameKinds.v8js }] }] });
  assert.deepEqual(namesOf(intake.takeWindow()), [undefined]);
});
