import type { FileId } from '../../src/model/file-id.ts';
import { fileIdsEqual } from '../../src/model/file-id.ts';
import type { FrameBatch } from '../../src/model/frame-batch.ts';
import { frameKinds } from '../../src/model/frame-kind.ts';
import { batchOf, symbolOf } from '../support/batch.ts';
import type { RunningProcess } from './fleet.ts';
import type { PastStore } from './past-stores/past-store.ts';
import type { CodeFile, CodeFrame } from './programs.ts';
import { needsName, symbolFor } from './programs.ts';
import type { Scene } from './scene.ts';
import type { Moment, SoakCollector } from './templates.ts';
import { Templates } from './templates.ts';

/** The file IDs under which the profiler kept stubs, by runtime. */
const jvmStubs: FileId = { word0: 0, word1: 0x578b, word2: 0, word3: 0x1d05 };
const v8Stubs: FileId = { word0: 0, word1: 0x578b, word2: 0, word3: 0x1d08 };

/**
 * How the profiler itself fed its reporter from 2024-10 to 2025-07: before a trace it asked the reporter whether each
 * frame is known and named those that are not. HotSpot's stubs it named when it first met them in a process, and
 * remembered that it had. A stub was known by its runtime and its name, not by process and address.
 * Its cache of whole traces (2025-03) is left out: with it even less was named again.
 */
export class CollectorOfThen implements SoakCollector {
  readonly #scene: Scene;
  readonly #store: PastStore;
  readonly #templates: Templates;
  readonly #stubFrames = new Map<string, CodeFrame>();
  /** Processes whose HotSpot stubs were named. */
  readonly #met = new WeakSet<RunningProcess>();

  constructor(scene: Scene, store: PastStore) {
    this.#scene = scene;
    this.#store = store;
    this.#templates = new Templates((running, stub) => this.#stubFrame(running, stub));
  }

  batches(moment: Moment): FrameBatch[] {
    const { cycle, nowMs, unixNano } = moment;
    this.#scene.fleet.advance(cycle);
    const batches = this.#scene.sampledGroups(cycle).map((group) => {
      const template = this.#templates.use(group, moment);
      const frames = template.frames as readonly CodeFrame[];
      const unknown = frames.filter(
        (frame) => needsName(frame) && !isNamedOnce(frame.file) && !this.#isKnown(frame, nowMs),
      );
      const stubs = template.isNew ? template.processes.flatMap((running) => this.#stubsOfNew(running)) : [];
      template.isNew = false;
      return { ...template.batch, symbols: [...unknown, ...stubs].map(symbolFor) };
    });
    const executables = this.#scene.sampledExecutables(cycle).map((executable) => {
      const { fileId } = executable.code;
      return executable.next(unixNano, (address) => !this.#store.frameKnown(fileId, 0, address, nowMs));
    });
    return [...batches, ...executables];
  }

  lastUse(fileId: FileId, address: bigint, cycle: number): number {
    return this.#templates.lastUse(fileId, address, cycle);
  }

  farewell(): FrameBatch {
    return batchOf({});
  }

  /** Nobody asked it anything. */
  answer(): void {}

  #isKnown({ file, address }: CodeFrame, nowMs: number): boolean {
    return this.#store.frameKnown(file, Number(address >> 32n), Number(address & 0xffff_ffffn), nowMs);
  }

  #stubsOfNew(running: RunningProcess): CodeFrame[] {
    if (this.#met.has(running)) return [];
    this.#met.add(running);
    return running.program.stubNames
      .map((_, stub) => this.#stubFrame(running, stub))
      .filter(({ file }) => isNamedOnce(file));
  }

  #stubFrame({ program }: RunningProcess, stub: number): CodeFrame {
    const { kind, stubNames } = program;
    const name = stubNames[stub]!;
    const known = this.#stubFrames.get(`${kind} ${name}`);
    if (known !== undefined) return known;
    const fileId = kind === frameKinds.jvm ? jvmStubs : v8Stubs;
    const code: CodeFile = { fileId, kind, symbolAt: () => symbolOf(name) };
    // It was a hash of the name; any number that the name has for itself does.
    const frame = { file: fileId, address: BigInt(this.#stubFrames.size + 1), kind, code };
    this.#stubFrames.set(`${kind} ${name}`, frame);
    return frame;
  }
}

/** Whether the profiler named the frame once in a process and never asked whether it is known. */
export function isNamedOnce(fileId: FileId): boolean {
  return fileIdsEqual(fileId, jvmStubs);
}
