import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KnownResources } from '../../../src/otlp/passable/known-resources.ts';
import { PassableScanner } from '../../../src/otlp/passable/passable-scanner.ts';
import { decodeProfilesData } from '../../../src/otlp/protobuf/decode-profiles-data.ts';
import { processesOfLocations, processesOfPassable } from '../../../src/profile/names/processes-of-locations.ts';
import { realRequests } from '../../otlp/real-requests.ts';

function fromBytes(bytes: Uint8Array): Float64Array {
  const scan = new PassableScanner().scan(bytes, true);
  assert.equal(scan.kind, 'passable');
  if (scan.kind !== 'passable') throw new Error('unreachable');
  return processesOfPassable(scan.profiles, new KnownResources());
}

test('the processes of locations are the same from the bytes of real requests as from what they say', () => {
  let alone = 0;
  let shared = 0;
  for (const bytes of realRequests('profiler')) {
    const processes = processesOfLocations(decodeProfilesData(bytes));
    assert.deepEqual(fromBytes(bytes), processes);
    alone += processes.filter((pid) => pid > 0).length;
    shared += processes.filter((pid) => pid === 0).length;
  }
  assert.ok(alone > 100 && shared > 100, `${alone} of one process, ${shared} of several`);
});
