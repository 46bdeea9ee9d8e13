import type { FileId } from '../../src/model/file-id.ts';
import { formatFileId } from '../../src/model/file-id.ts';
import type { SubmittedSymbol } from '../../src/model/frame-batch.ts';
import type { FrameKind } from '../../src/model/frame-kind.ts';
import { frameKinds, isCollectorNamed } from '../../src/model/frame-kind.ts';
import type { FrameSymbol } from '../../src/model/frame-symbol.ts';
import type { Random } from '../../src/support/clock.ts';
import type { FrameSketch } from '../support/batch.ts';
import { fileIdOf, symbolOf } from '../support/batch.ts';

export type Runtime = 'jvm' | 'cpython' | 'v8js' | 'native';

/** Code with a file ID. What a frame of it is called follows from the address, so that any name can be checked. */
export interface CodeFile {
  readonly fileId: FileId;
  readonly kind: FrameKind;
  readonly symbolAt: (address: bigint) => FrameSymbol;
}

export interface CodeFrame extends FrameSketch {
  readonly file: FileId;
  readonly code: CodeFile;
}

/** A frame in stub `stub` of whichever process runs the program. */
export interface StubPlace {
  readonly stub: number;
}

/** One version of one application: what its processes have in common. */
export interface Program {
  readonly name: string;
  readonly runtime: Runtime;
  readonly kind: FrameKind;
  /** Leaf first. */
  readonly stacks: readonly (readonly (CodeFrame | StubPlace)[])[];
  readonly stubNames: readonly string[];
}

interface Shape {
  readonly kind: FrameKind;
  /** Methods, code objects or functions: a file ID each. */
  readonly files: number;
  readonly framesPerStack: number;
  /** Stubs that every process of the runtime has, and ones of this program alone. */
  readonly sharedStubs: readonly string[];
  readonly ownStubs: number;
}

const shapes: Record<Runtime, Shape> = {
  jvm: { kind: frameKinds.jvm, files: 16, framesPerStack: 6, sharedStubs: ['Interpreter'], ownStubs: 2 },
  cpython: { kind: frameKinds.cpython, files: 12, framesPerStack: 6, sharedStubs: [], ownStubs: 0 },
  v8js: { kind: frameKinds.v8js, files: 12, framesPerStack: 6, sharedStubs: ['V8::EntryFrame'], ownStubs: 0 },
  native: { kind: frameKinds.native, files: 2, framesPerStack: 6, sharedStubs: [], ownStubs: 0 },
};
const stacksPerProgram = 4;
const kernelPlaces = 64;

/** Makes programs, and knows all code that it ever made: the truth about names. */
export class ProgramCatalogue {
  readonly #random: Random;
  readonly #codeByFile = new Map<string, CodeFile>();
  readonly #programs = new Map<string, Program>();
  readonly #kernel: CodeFile;
  readonly #kernelFrames: readonly CodeFrame[];
  #fileCount = 0;

  constructor(random: Random) {
    this.#random = random;
    this.#kernel = this.addCode('vmlinux', frameKinds.kernel);
    this.#kernelFrames = Array.from({ length: kernelPlaces }, (_, place) => frameAt(this.#kernel, place * 64));
  }

  /** A new file ID whose frames are called `NAME::fADDRESS/8`. */
  addCode(name: string, kind: FrameKind): CodeFile {
    const fileId = fileIdOf(++this.#fileCount);
    const filePath = `${name}.src`;
    const code: CodeFile = {
      fileId,
      kind,
      symbolAt: (address) => symbolOf(`${name}::f${address / 8n}`, { filePath, line: Number(address % 65_536n) + 1 }),
    };
    this.#codeByFile.set(formatFileId(fileId), code);
    return code;
  }

  codeOf(fileId: FileId): CodeFile | undefined {
    return this.#codeByFile.get(formatFileId(fileId));
  }

  /** The program, the same for the same arguments. */
  program(runtime: Runtime, application: string, version: number): Program {
    const name = `${runtime}-${application}-${version}`;
    const known = this.#programs.get(name);
    if (known !== undefined) return known;
    const created = this.#create(name, runtime);
    this.#programs.set(name, created);
    return created;
  }

  #create(name: string, runtime: Runtime): Program {
    const { kind, files, framesPerStack, sharedStubs, ownStubs } = shapes[runtime];
    const code = Array.from({ length: files }, (_, index) => this.addCode(`${name}.m${index}`, kind));
    // Two places in each: an address is an offset into the bytecode, and few of them are ever sampled.
    const frames = code.flatMap((file) => [frameAt(file, 8), frameAt(file, 24)]);
    const stubNames = [...sharedStubs, ...Array.from({ length: ownStubs }, (_, i) => `adapter ${i} of ${name}`)];
    const runtimeFrame = frameAt(this.addCode(`lib${name}`, frameKinds.native), 4096);
    const stacks = Array.from({ length: stacksPerProgram }, () => [
      this.#pick(this.#kernelFrames),
      ...Array.from({ length: framesPerStack }, () => this.#pick(frames)),
      ...stubNames.map((_, stub) => ({ stub })),
      runtimeFrame,
    ]);
    return { name, runtime, kind, stacks, stubNames };
  }

  #pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.#random() * items.length)]!;
  }
}

export function frameAt(code: CodeFile, address: number): CodeFrame {
  return { file: code.fileId, address: BigInt(address), kind: code.kind, code };
}

/** What a collector submits to name a frame. */
export function symbolFor({ file, address, code }: CodeFrame): SubmittedSymbol {
  const addressHigh = Number(address >> 32n);
  const addressLow = Number(address & 0xffff_ffffn);
  return { fileId: file, addressHigh, addressLow, symbol: code.symbolAt(address) };
}

/** Whether the file ID is that of an executable, and not of a method or a code object. */
export function isInExecutable({ kind }: { readonly kind: FrameKind }): boolean {
  return kind === frameKinds.native || kind === frameKinds.kernel;
}

/** Whether nobody but the collector can say what the frame is called. */
export function needsName({ kind }: FrameSketch): boolean {
  return isCollectorNamed(kind ?? frameKinds.unspecified);
}
