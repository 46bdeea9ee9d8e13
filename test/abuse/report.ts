import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { Felt } from './good-collector.ts';
import type { AttackedService } from './service-under-attack.ts';

/** Length of each attack: short in CI, longer by `ABUSE_SECONDS=60 npm run test:abuse`. */
export const seconds: number = Number(process.env.ABUSE_SECONDS ?? 4);

// Of a machine whose cores others keep busy; what was felt is printed beside.
const mostLatencyMs = 5_000;

/** Prints a row of the table of attacks, and asserts that the good collector was not refused once. */
export function tellFelt(
  t: TestContext,
  attack: string,
  service: AttackedService,
  felt: Felt,
  answers: readonly string[],
): void {
  const { calls, refusals, slowestMs, healthFailures } = felt;
  const peak = `${Math.round(service.peakBytes() / 2 ** 20)} MiB`;
  const row = [
    attack,
    `${refusals.length} of ${calls} refused`,
    `slowest ${slowestMs} ms`,
    `health failed ${healthFailures}`,
  ];
  t.diagnostic(`| ${[...row, `peak ${peak}`, `answers: ${answers.join(', ').slice(0, 200)}`].join(' | ')} |`);
  assert.deepEqual(refusals, []);
  assert.equal(healthFailures, 0);
  assert.ok(slowestMs < mostLatencyMs, `a call took ${slowestMs} ms`);
}
