import type { LivePage } from './http/live-page/live-page.ts';
import { foldFlameTrees } from './profile/flame-graph.ts';
import type { ReportConsumer } from './reporter/cycle-report.ts';
import type { SymbolStore } from './symbols/symbol-store.ts';

/** Shows every report on the live page, with the state of the store. */
export function reportToPage(page: LivePage, maxNodes: number, store: SymbolStore): ReportConsumer {
  return {
    consume: ({ range, data, eventCount, unresolved, durationMs }) => {
      const { symbols, files, liveStubs, bytes, maxBytes } = store.figures();
      const unresolvedFrames: Record<string, number> = {};
      for (const { reason, frameType, count } of unresolved) {
        const key = `${frameType} ${reason}`;
        unresolvedFrames[key] = (unresolvedFrames[key] ?? 0) + count;
      }
      page.addCycle({
        endUnixMs: Number(range.endUnixNano / 1_000_000n),
        flame: data === undefined ? { trees: [], omittedSampleCount: 0 } : foldFlameTrees(data, maxNodes),
        figures: {
          windowMs: Number(range.endUnixNano - range.startUnixNano) / 1e6,
          sampleCount: eventCount,
          cycleMs: durationMs,
          store: {
            symbolCount: symbols,
            fileCount: files,
            stubCount: liveStubs,
            sizeBytes: bytes,
            budgetBytes: maxBytes,
          },
          unresolvedFrames,
        },
      });
    },
  };
}
