import { LargeRequests } from '../exporters/large-requests.ts';
import { httpListener } from '../http/http-listener-config.ts';
import type { StoreFigures } from '../http/live-page/live-cycle.ts';
import type { LiveHistoryParts } from '../http/live-page/live-history.ts';
import { LivePage } from '../http/live-page/live-page.ts';
import type { LivePageConfig } from '../http/live-page/live-page-config.ts';
import { livePageTable } from '../http/live-page/live-page-config.ts';
import { decodeProfilesData } from '../otlp/protobuf/decode-profiles-data.ts';
import type { PassWatcher } from '../pipeline/pass-through.ts';
import type { PipelineOutlets } from '../pipeline/pipeline.ts';
import type { UnnamedFrames } from '../profile/names/unnamed-frames.ts';
import type { ReportConsumer } from '../reporter/cycle-report.ts';
import type { Clock } from '../support/clock.ts';
import { everyInterval } from '../support/clock.ts';
import type { Component } from '../support/lifecycle.ts';
import { version } from '../support/version.ts';
import type { SymbolStore } from '../symbols/symbol-store.ts';
import type { ExtensionType, RunningPage } from './extensions.ts';

/** Extension `live_page`. */
export const livePageType: ExtensionType<LivePageConfig> = {
  kind: 'extension',
  type: 'live_page',
  aliases: [],
  stability: 'alpha',
  table: livePageTable,
  changesInPlace: () => true,
  listens: (config) => [httpListener('', config)],
  create: (id, config, { receivers, meter, clock }) => {
    const unixMs = (): number => Number(clock.unixNano() / 1_000_000n);
    const parts = { meter, nowMs: () => clock.nowMs(), unixMs, decode: decodeProfilesData, divide: dividerOf(clock) };
    const facts = {
      version,
      get receivers() {
        return receivers();
      },
    };
    const page = new LivePage(id, config, facts, parts);
    return { page, mount: page, listener: config };
  },
};

/** Bytes of a part that is read at once, and of all parts against the whole. */
const partBytes = 512 * 1024;
const mostGrowth = 4;

/** Divides requests in a thread of its own, which is there while somebody looks. */
function dividerOf(clock: Clock): LiveHistoryParts['divide'] {
  const large = new LargeRequests(clock);
  return async (bytes) => {
    const task = { limits: { maxBytes: partBytes }, maxTotalBytes: mostGrowth * bytes.length };
    const divided = await large.split({ requests: [bytes], ...task });
    if (divided === undefined) return undefined;
    const { parts, tooLargeSampleCount, overBudgetSampleCount } = divided;
    const leftOutSampleCount = tooLargeSampleCount + overBudgetSampleCount;
    return { parts: parts.map((part) => part.bytes), leftOutSampleCount };
  };
}

/** The ways by which a pipeline shows itself on the pages. */
export function outletsToPages(
  pages: readonly RunningPage[],
  clock: Clock,
): Pick<PipelineOutlets, 'consumers' | 'passed' | 'substitutes'> {
  return {
    consumers: (store) => pages.map((page) => reportToPage(page, store)),
    passed: pages.map(passToPage),
    substitutes: (store) => pages.map((page) => new PageCycles(page.id, page, store, clock)),
  };
}

/** Shows every report on the live page, with the state of the store. */
function reportToPage(running: RunningPage, store: SymbolStore): ReportConsumer {
  return {
    *consume({ range, data, eventCount, unresolved, durationMs }) {
      yield* running.page.addCycleInSteps({
        endUnixMs: Number(range.endUnixNano / 1_000_000n),
        data,
        figures: {
          windowMs: Number(range.endUnixNano - range.startUnixNano) / 1e6,
          sampleCount: eventCount,
          cycleMs: durationMs,
          store: figuresOf(store),
          unresolvedFrames: countsByReason(unresolved),
        },
      });
    },
  };
}

/** Keeps every request that is sent on by itself for the page to draw. Its bytes are those that exporters send. */
function passToPage(running: RunningPage): PassWatcher {
  return (request, unnamed) => {
    const { page } = running;
    if (!page.keepsPassed) return;
    const { sampleCount } = request;
    page.addPassed({ bytes: request.encoded(), sampleCount, unresolvedFrames: countsByReason(unnamed) });
  };
}

/** By frame type and reason, e.g. `native never_submitted`. */
function countsByReason(frames: readonly UnnamedFrames[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { reason, frameType, count } of frames) {
    const key = `${frameType} ${reason}`;
    counts[key] = (counts[key] ?? 0) + count;
  }
  return counts;
}

/** As often as a reporting cycle would. */
const intervalMs = 5_000;

/** Gives the page its cycles where a pipeline has none of its own. */
export class PageCycles implements Component {
  readonly id: string;
  readonly #running: { readonly page: Pick<LivePage, 'addCycle'> };
  readonly #store: SymbolStore;
  readonly #clock: Clock;
  readonly #stopping = new AbortController();
  #loop: Promise<void> = Promise.resolve();

  constructor(id: string, running: { readonly page: Pick<LivePage, 'addCycle'> }, store: SymbolStore, clock: Clock) {
    this.id = id;
    this.#running = running;
    this.#store = store;
    this.#clock = clock;
  }

  start(): Promise<void> {
    this.#loop = this.#run();
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.#stopping.abort();
    return this.#loop;
  }

  #run(): Promise<void> {
    let beganMs = this.#clock.nowMs();
    return everyInterval(
      this.#clock,
      this.#stopping.signal,
      () => intervalMs,
      () => {
        const endMs = this.#clock.nowMs();
        this.#running.page.addCycle({
          endUnixMs: Number(this.#clock.unixNano() / 1_000_000n),
          data: undefined,
          figures: {
            windowMs: endMs - beganMs,
            sampleCount: 0,
            cycleMs: null,
            store: figuresOf(this.#store),
            unresolvedFrames: {},
          },
        });
        beganMs = endMs;
      },
    );
  }
}

function figuresOf(store: SymbolStore): StoreFigures {
  const { symbols, files, liveStubs, bytes, maxBytes } = store.stats();
  return { symbolCount: symbols, fileCount: files, stubCount: liveStubs, sizeBytes: bytes, budgetBytes: maxBytes };
}
