import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exitCodes } from '../../src/cli/command-io.ts';
import type { LiveCycle } from '../../src/http/live-page/live-cycle.ts';
import { encodeProfilesData } from '../../src/otlp/protobuf/encode-profiles-data.ts';
import type { TreeAnswer } from '../../src/profile/history/value-tree.ts';
import { PageCycles } from '../../src/service/live-report.ts';
import { SymbolStore } from '../../src/symbols/symbol-store.ts';
import { goodProfiles } from '../otlp/good-profiles.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { exportOverGrpc } from '../support/otlp-sender.ts';
import { serveConfig } from '../support/serve-config.ts';
import { treePaths } from '../support/tree-paths.ts';
import { configOf } from '../symbols/store-harness.ts';

/** Sends a request to the whole service and reads the live page until it shows the samples. */
async function showOnPage(processors: string): Promise<TreeAnswer> {
  const config = `
receivers: {otlp: {protocols: {grpc: {endpoint: "127.0.0.1:0"}}}}
processors: {symbol_store: {}, reporting_cycle: {interval: 1h}, reporting_cycle/merge: {interval: 50ms, otlp_profiles: merge}}
exporters: {debug: {}}
extensions: {live_page: {endpoint: "127.0.0.1:0"}}
service:
  extensions: [live_page]
  pipelines: {profiles: {receivers: [otlp], processors: ${processors}, exporters: [debug]}}
  telemetry: {logs: {level: error}, metrics: {level: none}}
`;
  let shown: TreeAnswer | undefined;
  const { code } = await serveConfig(config, async (service) => {
    await exportOverGrpc(service.receiverPorts.get('otlp')!, encodeProfilesData(goodProfiles()));
    const { port } = [...service.httpAddresses.values()][0]!;
    do {
      shown = (await (await fetch(`http://127.0.0.1:${port}/live/tree?seconds=3600`)).json()) as TreeAnswer;
    } while (shown.parents.length < 2);
    return exitCodes.ok;
  });
  assert.equal(code, exitCodes.ok);
  return shown!;
}

for (const { name, processors } of [
  { name: 'passes through a pipeline without a cycle', processors: '[symbol_store]' },
  { name: 'passes by the cycle of a pipeline', processors: '[symbol_store, reporting_cycle]' },
  { name: 'is merged into the cycle', processors: '[symbol_store, reporting_cycle/merge]' },
]) {
  test(`an OTLP request that ${name} is on the live page`, async () => {
    const tree = await showOnPage(processors);
    assert.equal(tree.frames.name[tree.nodeFrames[1]!], 'shop');
    assert.deepEqual(Object.values(treePaths(tree)).sort(), [1, 2]);
  });
}

test('a pipeline without a cycle gives the page one every 5 s, until it stops', async () => {
  const clock = new FakeClock(1_000_000_000n);
  const cycles: LiveCycle[] = [];
  const page = { addCycle: (cycle: LiveCycle) => void cycles.push(cycle) };
  const component = new PageCycles('live_page', { page }, new SymbolStore(configOf({}), () => 0.5), clock);
  await component.start();
  await clock.advance(4999);
  assert.equal(cycles.length, 0);
  await clock.advance(5001);
  assert.deepEqual(
    cycles.map(({ endUnixMs, figures }) => [endUnixMs, figures.windowMs, figures.sampleCount, figures.cycleMs]),
    [
      [6000, 5000, 0, null],
      [11_000, 5000, 0, null],
    ],
  );
  assert.equal(cycles[0]!.figures.store.symbolCount, 0);
  await component.stop();
  await clock.advance(60_000);
  assert.equal(cycles.length, 2);
});
