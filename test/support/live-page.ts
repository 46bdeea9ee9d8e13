import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { ConfigSection } from '../../src/config/config-section.ts';
import type { CycleFigures, LiveCycle } from '../../src/http/live-page/live-cycle.ts';
import type { LivePageParts } from '../../src/http/live-page/live-page.ts';
import { LivePage } from '../../src/http/live-page/live-page.ts';
import { livePageTable } from '../../src/http/live-page/live-page-config.ts';
import type { ProfilesData } from '../../src/otlp/profiles-data.ts';
import { decodeProfilesData } from '../../src/otlp/protobuf/decode-profiles-data.ts';

export const livePageFacts = { version: '1.2.3', receivers: [{ id: 'frames', endpoint: 'localhost:4317' }] };

/** A live page with these keys of its configuration; requests pass at Unix time 0 unless `parts` says otherwise. */
export function createLivePage(keys: object = {}, parts: Partial<LivePageParts> = {}): LivePage {
  const config = livePageTable.read(new ConfigSection('extensions.live_page', keys, []));
  const meter = new MeterProvider().getMeter('test');
  const all = {
    meter,
    nowMs: () => 0,
    unixMs: () => 0,
    decode: decodeProfilesData,
    divide: () => Promise.resolve(undefined),
    ...parts,
  };
  return new LivePage('live_page', config, livePageFacts, all);
}

/** A cycle of 5 s that ends then. */
export function liveCycleOf(
  data: ProfilesData | undefined,
  endUnixMs: number,
  figures: Partial<CycleFigures> = {},
): LiveCycle {
  const store = { symbolCount: 18_432, fileCount: 1207, stubCount: 1059, sizeBytes: 2 ** 25, budgetBytes: 2 ** 26 };
  const usual = { windowMs: 5000, sampleCount: 1, cycleMs: 12.34, store, unresolvedFrames: {} };
  return { endUnixMs, data, figures: { ...usual, ...figures } };
}
