import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { frameKinds } from '../../src/model/frame-kind.ts';
import { LogFolder } from '../storage/log-folder.ts';
import type { PlainReply } from '../support/frames-client.ts';
import { smallBatch } from '../support/frames-client.ts';
import { JournaledNode } from './journaled-node.ts';

/** Where the clocks of all nodes begin. */
const start = 1_767_225_600_000_000_000n;
const frame = 99n;
/** The cycles begin after all samples, so that one report has one profile of them: two at one time would be moved apart. */
const nowMs = 1_000;

/** One thing that happens to a node. Samples: how many moments each has, and whether its name is missing. */
type Step =
  | { readonly kind: 'batch'; readonly samples: readonly { readonly moments: number; readonly isUnnamed: boolean }[] }
  | { readonly kind: 'name' | 'tick' | 'kill' | 'stop' | 'again' };

const sample = fc.record({ moments: fc.integer({ min: 1, max: 3 }), isUnnamed: fc.boolean() });
const batch = fc.record({ kind: fc.constant('batch' as const), samples: fc.array(sample, { maxLength: 4 }) });
const event = fc.record({
  kind: fc.constantFrom<'name' | 'tick' | 'kill' | 'stop' | 'again'>(
    'tick',
    'tick',
    'kill',
    'kill',
    'stop',
    'name',
    'again',
  ),
});
const steps = fc.array(fc.oneof(batch, batch, event, event), { minLength: 4, maxLength: 16 });

function encode(sequence: number, samples: Extract<Step, { kind: 'batch' }>['samples'], isNamed: boolean) {
  const name = { fileId: 1, addressOrLine: frame, locations: [{ function: 5, line: 7 }] };
  return smallBatch([], {
    sequence,
    frames: [
      { fileId: 1, addressOrLine: 0x1234n, kind: frameKinds.native },
      { fileId: 1, addressOrLine: frame, kind: frameKinds.cpython },
    ],
    stacks: [{ frames: [1] }, { frames: [2, 1] }],
    samples: samples.map(({ moments, isUnnamed }, index) => ({
      ...{ stack: isUnnamed ? 2 : 1, process: 1, profileType: 1, threadId: 10 * sequence + index },
      timestamps: Array.from({ length: moments }, (_, moment) => start + BigInt(moment)),
    })),
    ...(isNamed ? { symbols: [name] } : {}),
  });
}

test('a journal loses no event that was acknowledged and repeats none, whatever happens in which order', async (t) => {
  await fc.assert(
    fc.asyncProperty(steps, fc.integer({ min: 3, max: 12 }), async (script, maxEvents) => {
      const folder = new LogFolder(t);
      const cycle = `max_events: ${maxEvents}`;
      const acknowledged: string[] = [];
      let node = await JournaledNode.start(folder.createLog(), [], { cycle, nowMs });
      let sequence = 0;
      let last: { batch: ReturnType<typeof encode>; reply: PlainReply; reportedWindows: number } | undefined;
      // A cycle ends early when its window is half full, so there are more reports than ticks.
      const countReports = (): void => {
        node.onWindowTaken = (events) => {
          // The first report after the batch has its window; a further one is made where events have waited in the window.
          if (last !== undefined && (last.reportedWindows === 0 || events > 0)) last.reportedWindows++;
        };
      };
      countReports();
      const restart = async (): Promise<void> => {
        // A later life knows the batches of the window that was reported last, and of no earlier one.
        if (last !== undefined && last.reportedWindows > 1) last = undefined;
        node = await JournaledNode.start(folder.createLog(), node.reported, { cycle, nowMs });
        countReports();
        await node.clock.advance(0);
      };
      for (const step of script) {
        if (step.kind === 'tick') await node.tick();
        else if (step.kind === 'kill') await restart();
        else if (step.kind === 'stop') {
          await node.stop();
          await restart();
        } else if (step.kind === 'again') {
          if (last === undefined) continue;
          const reply = node.take(last.batch) as PlainReply;
          const { acceptedSamples, rejectedSamples, rejections } = reply;
          assert.ok(reply.duplicate);
          assert.deepEqual(
            [acceptedSamples, rejectedSamples, rejections.map(({ path }) => path)],
            [last.reply.acceptedSamples, last.reply.rejectedSamples, last.reply.rejections.map(({ path }) => path)],
          );
        } else {
          sequence++;
          const samples = step.kind === 'batch' ? step.samples : [];
          const encoded = encode(sequence, samples, step.kind === 'name');
          const reply = node.take(encoded) as PlainReply;
          last = { batch: encoded, reply, reportedWindows: 0 };
          for (const [index, { moments }] of samples.slice(0, reply.acceptedSamples).entries()) {
            for (let moment = 0; moment < moments; moment++) {
              acknowledged.push(`${10 * sequence + index}@${start + BigInt(moment)}`);
            }
          }
        }
        // A report that has begun is made before anything else happens.
        await node.clock.advance(0);
      }
      await restart();
      // What waits for a name waits for one more cycle.
      for (let tick = 0; tick < 3; tick++) await node.tick();
      assert.deepEqual(node.reported.toSorted(), acknowledged.toSorted());
    }),
    { numRuns: 40 },
  );
});
