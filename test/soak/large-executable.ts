import type { FrameBatch, SubmittedSymbol } from '../../src/model/frame-batch.ts';
import type { Process } from '../../src/model/process.ts';
import { batchOf, processOf } from '../support/batch.ts';
import type { CodeFile } from './programs.ts';
import { frameAt } from './programs.ts';

const framesPerStack = 25;
const bytesPerFrame = 16;

/**
 * One file ID with hundreds of thousands of frames, such as an ahead-of-time compiled .NET service: each batch samples the
 * next `framesPerBatch` of them. The batch is one object that is filled anew, as a batch lives only while it is handled.
 */
export class LargeExecutable {
  readonly code: CodeFile;
  readonly process: Process;
  readonly #batch: FrameBatch;
  readonly #framesPerBatch: number;
  #sampled = 0;

  constructor(code: CodeFile, pid: number, framesPerBatch: number) {
    this.code = code;
    this.process = processOf(pid, { comm: 'large', serviceName: 'large' });
    this.#framesPerBatch = framesPerBatch;
    const frames = Array.from({ length: framesPerBatch }, (_, i) => frameAt(code, i * bytesPerFrame));
    const samples = [];
    for (let at = 0; at < framesPerBatch; at += framesPerStack) {
      samples.push({ frames: frames.slice(at, at + framesPerStack), process: this.process, timestamps: [0n] });
    }
    this.#batch = batchOf({ samples });
  }

  /** Frames sampled so far: addresses 0, 16, 32 … */
  get sampledFrames(): number {
    return this.#sampled;
  }

  /** The next frames; those that `needsSymbol` says come with their names. */
  next(unixNano: bigint, needsSymbol: (address: number) => boolean): FrameBatch {
    const { frames, samples } = this.#batch;
    const symbols: SubmittedSymbol[] = [];
    for (let i = 0; i < this.#framesPerBatch; i++) {
      const address = (this.#sampled + i) * bytesPerFrame;
      frames.addressLow[i + 1] = address;
      if (!needsSymbol(address)) continue;
      const symbol = this.code.symbolAt(BigInt(address));
      symbols.push({ fileId: this.code.fileId, addressHigh: 0, addressLow: address, symbol });
    }
    this.#sampled += this.#framesPerBatch;
    samples.timestampsUnixNano.fill(unixNano);
    return { ...this.#batch, symbols };
  }
}
