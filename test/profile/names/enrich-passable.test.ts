import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PassableScanner } from '../../../src/otlp/passable/passable-scanner.ts';
import { encodeProfilesData } from '../../../src/otlp/protobuf/encode-profiles-data.ts';
import { enrichPassable } from '../../../src/profile/names/enrich-passable.ts';
import type { Steps } from '../../../src/support/steps.ts';
import { passingProfiles } from '../../bench/passing-profiles.ts';
import { SymbolMap } from '../../support/symbol-map.ts';

/** Counts how often a file is opened. */
class CountingMap extends SymbolMap {
  opened = 0;

  override openFile(...file: Parameters<SymbolMap['openFile']>): ReturnType<SymbolMap['openFile']> {
    this.opened++;
    return super.openFile(...file);
  }
}

/** Does all steps; `isSameTurn` is what each is told. */
function run<T>(steps: Steps<T>, isSameTurn: boolean | undefined): { readonly value: T; readonly count: number } {
  for (let count = 1; ; count++) {
    const step = steps.next(isSameTurn);
    if (step.done === true) return { value: step.value, count };
  }
}

test('enrichPassable opens a file once a turn, and again once others had theirs: the store may have let go of it', () => {
  const scan = new PassableScanner().scan(encodeProfilesData(passingProfiles(1).data), true);
  assert.ok(scan.kind === 'passable');
  const [atOnce, inTurns, untold] = [true, false, undefined].map((isSameTurn) => {
    const names = new CountingMap();
    const { value, count } = run(enrichPassable(scan.profiles, names), isSameTurn);
    return { opened: names.opened, count, value };
  });
  assert.equal(atOnce!.opened, 14);
  assert.ok(inTurns!.count > 10, `${inTurns!.count} steps`);
  assert.ok(inTurns!.opened > 4 * 14, `opened ${inTurns!.opened} times`);
  assert.deepEqual(untold, inTurns);
  assert.deepEqual(atOnce!.value, inTurns!.value);
});
