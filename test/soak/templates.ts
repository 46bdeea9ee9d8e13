import type { NeededName } from '../../src/model/batch-outcome.ts';
import type { FileId } from '../../src/model/file-id.ts';
import type { FrameBatch } from '../../src/model/frame-batch.ts';
import type { FrameSketch } from '../support/batch.ts';
import { batchOf } from '../support/batch.ts';
import type { Group, RunningProcess } from './fleet.ts';

/** When samples are taken. */
export interface Moment {
  readonly cycle: number;
  readonly nowMs: number;
  readonly unixNano: bigint;
}

/** Sees a cycle of the scene as batches of raw frame samples. */
export interface SoakCollector {
  batches(moment: Moment): FrameBatch[];
  /** The last batch of all: every process ends. */
  farewell(): FrameBatch;
  /** Takes the names and executables that a reply asked for. */
  answer(names: readonly NeededName[], executables: readonly FileId[]): void;
}

/** The batch of one group, made once and sent again until another process is in the group. */
export interface Template {
  readonly revision: number;
  readonly batch: FrameBatch;
  /** Each frame once. */
  readonly frames: readonly FrameSketch[];
  readonly processes: readonly RunningProcess[];
  /** Whether it was not sent yet; kept by the collector. */
  isNew: boolean;
  /** Cycles of its last two uses; -1 for none. */
  usedCycle: number;
  usedBeforeCycle: number;
}

/** How a collector writes a frame in stub number `stub` of a process. */
export type StubFrame = (running: RunningProcess, stub: number) => FrameSketch;

export class Templates {
  readonly #byGroup = new Map<Group, Template>();
  readonly #stubFrame: StubFrame;
  /** Of frames of files in templates that are no longer sent: the cycle of their last use. */
  readonly #usedBefore = new Map<FileId, Map<bigint, number>>();

  constructor(stubFrame: StubFrame) {
    this.#stubFrame = stubFrame;
  }

  /** The template of a group as it is now, with samples of this moment. */
  use(group: Group, { cycle, unixNano }: Moment): Template {
    let template = this.#byGroup.get(group);
    if (template === undefined || template.revision !== group.revision) {
      if (template !== undefined) this.#retire(template);
      template = this.#create(group);
      this.#byGroup.set(group, template);
    }
    template.usedBeforeCycle = template.usedCycle;
    template.usedCycle = cycle;
    template.batch.samples.timestampsUnixNano.fill(unixNano);
    return template;
  }

  /**
   * The last cycle before `cycle` in which a frame of a file was sampled; -1 for none. Slow: it looks through all templates,
   * for the few frames that are lost.
   */
  lastUse(fileId: FileId, address: bigint, cycle: number): number {
    const isIt = (frame: FrameSketch): boolean => frame.file === fileId && frame.address === address;
    let last = this.#usedBefore.get(fileId)?.get(address) ?? -1;
    for (const { frames, usedCycle, usedBeforeCycle } of this.#byGroup.values()) {
      const used = usedCycle < cycle ? usedCycle : usedBeforeCycle;
      if (used > last && frames.some(isIt)) last = used;
    }
    return last;
  }

  #retire({ frames, usedCycle }: Template): void {
    for (const { file, address } of frames) {
      if (file === undefined) continue;
      const cycles = this.#usedBefore.get(file) ?? new Map<bigint, number>();
      this.#usedBefore.set(file, cycles);
      cycles.set(address, Math.max(usedCycle, cycles.get(address) ?? -1));
    }
  }

  #create({ slots, revision }: Group): Template {
    const processes = slots.flatMap(({ running }) => (running === undefined ? [] : [running]));
    const frames = new Set<FrameSketch>();
    const samples = processes.map((running) => {
      const { process, stack } = running;
      const sketches = stack.map((place) => ('code' in place ? place : this.#stubFrame(running, place.stub)));
      for (const sketch of sketches) frames.add(sketch);
      return { frames: sketches, process, threadId: process.pid, timestamps: [0n] };
    });
    return { revision, batch: batchOf({ samples }), frames: [...frames], processes, isNew: true, ...unused };
  }
}

const unused = { usedCycle: -1, usedBeforeCycle: -1 };
