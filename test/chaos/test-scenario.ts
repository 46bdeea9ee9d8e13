import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import type { ChaosScenario } from './chaos-run.ts';
import { runChaos } from './chaos-run.ts';

const runCount = Number(process.env.CHAOS_RUNS ?? 3);
/** The seed of the first run; each run after it has the next one. */
const firstSeed = Number(process.env.CHAOS_SEED ?? randomInt(1_000_000));

const mostErrors = 20;

/**
 * A test for each run. `CHAOS_SEED=… CHAOS_RUNS=1` plays the same faults at the same times again, to the same service with the same
 * settings. What does not come back is what the system decides: how calls, writes and signals fall into each other.
 */
export function testScenario(scenario: ChaosScenario): void {
  for (let run = 0; run < runCount; run++) {
    const seed = firstSeed + run;
    test(`${scenario.name} (CHAOS_SEED=${seed})`, { timeout: 240_000 }, async (t) => {
      const { violations, errors, summary } = await runChaos(scenario, seed);
      t.diagnostic(`seed ${seed}\n  ${summary}`);
      const logged = errors.slice(0, mostErrors).join('\n  ');
      const hint = `CHAOS_SEED=${seed} CHAOS_RUNS=1 plays these faults again\n  ${summary}\nthe service said:\n  ${logged}`;
      assert.deepEqual(violations, [], hint);
    });
  }
}
