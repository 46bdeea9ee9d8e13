import type { ExportRequest } from '../../src/exporters/export-request.ts';
import type { ProfilesExporter } from '../../src/exporters/profiles-exporter.ts';

/** An exporter with room for everything, or for nothing, that gives each request to `take`; `false` is a refusal. */
export function fakeExporter(
  id: string,
  take: (request: ExportRequest) => boolean,
  hasRoom: () => boolean = () => true,
): ProfilesExporter {
  const offer = (request: ExportRequest) =>
    take(request) ? ({ kind: 'taken' } as const) : ({ kind: 'refused', isFinal: false } as const);
  return {
    id,
    blocksOnOverflow: false,
    hasRoomFor: hasRoom,
    *prepare() {},
    offer,
    reserve: (request) => ({ commit: () => void offer(request), cancel: () => undefined }),
  };
}

/** The words of a room: for a report, only for callers who may wait, or for nobody. */
export function roomOf(exporter: Pick<ProfilesExporter, 'hasRoomFor'>): 'open' | 'waiting' | 'none' {
  if (exporter.hasRoomFor('report')) return 'open';
  return exporter.hasRoomFor('request') ? 'waiting' : 'none';
}
