import type { FrameKind } from '../../model/frame-kind.ts';
import type { PerfMap } from '../../native/tables/perf-map.ts';
import { runtimeKind } from '../../native/tables/runtime-names.ts';
import type { RecordedProcess } from './process-table.ts';

/** A process with the names of its generated code. */
export interface RuntimeImage {
  readonly process: RecordedProcess;
  readonly perfMap: PerfMap | undefined;
  /** Kind of the code that lies in anonymous memory or in the perf map. */
  readonly runtimeKind: FrameKind;
}

/** Makes the image of each process once. A perf map is that of the last process with its ID. */
export class RuntimeImages {
  readonly #perfMaps: ReadonlyMap<number, PerfMap>;
  readonly #images = new Map<RecordedProcess, RuntimeImage>();

  constructor(perfMaps: ReadonlyMap<number, PerfMap>) {
    this.#perfMaps = perfMaps;
  }

  of(process: RecordedProcess, isLast: boolean): RuntimeImage {
    let image = this.#images.get(process);
    if (image === undefined) {
      const perfMap = isLast ? this.#perfMaps.get(process.pid) : undefined;
      const names = perfMap === undefined ? [] : perfMap.ranges.map(({ name }) => name);
      image = { process, perfMap, runtimeKind: runtimeKind(process.space.paths, names) };
      this.#images.set(process, image);
    }
    return image;
  }
}
