import type { NeededName } from '../../src/model/batch-outcome.ts';
import type { FileId } from '../../src/model/file-id.ts';
import type { FrameBatch, SubmittedExecutable, SubmittedStub, SubmittedSymbol } from '../../src/model/frame-batch.ts';
import type { Process } from '../../src/model/process.ts';
import type { FileOwner } from '../../src/reporter/sample-window.ts';
import type { FrameSketch } from '../support/batch.ts';
import { batchOf, symbolOf } from '../support/batch.ts';
import { unknownExecutable } from '../support/unknown-executable.ts';
import type { RunningProcess } from './fleet.ts';
import type { CodeFile, CodeFrame } from './programs.ts';
import { isInExecutable, needsName, symbolFor } from './programs.ts';
import type { Scene } from './scene.ts';
import type { Moment, SoakCollector, Template } from './templates.ts';
import { Templates } from './templates.ts';

const stubBytes = 256n;

/**
 * Sends each name and each executable once, each stub once a process, and after that only what it is asked for, with its
 * next batch.
 */
export class CollectorOfToday implements SoakCollector {
  readonly #scene: Scene;
  readonly #templates: Templates;
  readonly #named = new Set<FrameSketch>();
  readonly #described = new Set<CodeFile>();
  /** Large executables are sampled at rising addresses: the highest that was named. */
  readonly #namedUpTo = new Map<CodeFile, number>();
  readonly #processes = new Map<string, RunningProcess>();
  #symbols: SubmittedSymbol[] = [];
  #stubs: SubmittedStub[] = [];
  #executables: SubmittedExecutable[] = [];
  /** Executables that were asked for. */
  askedExecutables = 0;

  constructor(scene: Scene) {
    this.#scene = scene;
    const sketches = new WeakMap<RunningProcess, FrameSketch[]>();
    this.#templates = new Templates((running, stub) => {
      const { process, program, stubBase } = running;
      const own = sketches.get(running) ?? [];
      sketches.set(running, own);
      own[stub] ??= { process, address: stubBase + BigInt(stub) * stubBytes + 16n, kind: program.kind };
      return own[stub];
    });
  }

  batches(moment: Moment): FrameBatch[] {
    const { cycle, unixNano } = moment;
    const processExits = this.#scene.fleet.advance(cycle);
    for (const process of processExits) this.#processes.delete(keyOf(process));
    const [first, ...others] = this.#scene.sampledGroups(cycle).map((group) => {
      const template = this.#templates.use(group, moment);
      if (template.isNew) this.#introduce(template);
      return template.batch;
    });
    const executables = this.#scene.sampledExecutables(cycle).map((executable) => {
      const known = this.#namedUpTo.get(executable.code) ?? -1;
      const batch = executable.next(unixNano, (address) => address > known);
      this.#namedUpTo.set(executable.code, batch.frames.addressLow.at(-1)!);
      return batch;
    });
    const names = { symbols: this.#symbols, stubs: this.#stubs, executables: this.#executables };
    this.#symbols = [];
    this.#stubs = [];
    this.#executables = [];
    // Names come with the samples, and in every other cycle after them.
    if (cycle % 2 === 0) return [{ ...first!, ...names, processExits }, ...others, ...executables];
    return [{ ...first!, processExits }, ...others, ...executables, batchOf(names)];
  }

  lastUse(fileId: FileId, address: bigint, cycle: number): number {
    return this.#templates.lastUse(fileId, address, cycle);
  }

  /** What a frame is really called. */
  nameOf(owner: FileOwner, address: bigint): string | undefined {
    if (owner.kind === 'file') return this.#scene.catalogue.codeOf(owner.fileId)?.symbolAt(address).functionName;
    const running = this.#processes.get(keyOf(owner.process));
    return running && stubOf(running, stubAt(running, address)).symbol.functionName;
  }

  farewell(): FrameBatch {
    return batchOf({ processExits: this.#scene.fleet.exitAll() });
  }

  answer(names: readonly NeededName[], executables: readonly FileId[]): void {
    this.askedExecutables += executables.length;
    for (const fileId of executables) this.#executables.push(executableOf(this.#scene.catalogue.codeOf(fileId)!));
    const stubs = new Map<string, SubmittedStub>();
    for (const { owner, addressHigh, addressLow } of names) {
      const address = (BigInt(addressHigh) << 32n) | BigInt(addressLow);
      if ('fileId' in owner) {
        const symbol = this.#scene.catalogue.codeOf(owner.fileId)!.symbolAt(address);
        this.#symbols.push({ fileId: owner.fileId, addressHigh, addressLow, symbol });
        continue;
      }
      const running = this.#processes.get(keyOf(owner));
      if (running === undefined) continue;
      const stub = stubAt(running, address);
      stubs.set(`${owner.pid} ${stub}`, stubOf(running, stub));
    }
    this.#stubs.push(...stubs.values());
  }

  #introduce(template: Template): void {
    template.isNew = false;
    for (const sketch of template.frames) {
      if (!('code' in sketch)) continue;
      this.#describe((sketch as CodeFrame).code);
      if (!needsName(sketch) || this.#named.has(sketch)) continue;
      this.#named.add(sketch);
      this.#symbols.push(symbolFor(sketch as CodeFrame));
    }
    for (const running of template.processes) {
      const key = keyOf(running.process);
      if (this.#processes.has(key)) continue;
      this.#processes.set(key, running);
      running.program.stubNames.forEach((_, stub) => {
        this.#stubs.push(stubOf(running, stub));
      });
    }
  }

  #describe(code: CodeFile): void {
    if (!isInExecutable(code) || this.#described.has(code)) return;
    this.#described.add(code);
    this.#executables.push(executableOf(code));
  }
}

function executableOf({ fileId, symbolAt }: CodeFile): SubmittedExecutable {
  return { fileId, executable: { ...unknownExecutable, fileName: symbolAt(0n).filePath } };
}

function stubOf({ process, program, stubBase }: RunningProcess, stub: number): SubmittedStub {
  const start = stubBase + BigInt(stub) * stubBytes;
  return {
    owner: { process },
    start,
    length: stubBytes,
    symbol: symbolOf(program.stubNames[stub]!),
    kind: 'stub',
    tier: '',
  };
}

function stubAt({ stubBase }: RunningProcess, address: bigint): number {
  return Number((address - stubBase) / stubBytes);
}

function keyOf({ pid, startTimeNano }: Pick<Process, 'pid' | 'startTimeNano'>): string {
  return `${pid} ${startTimeNano}`;
}
