import type { FlameTree, FlameTrees } from '../../profile/flame/flame-tree.ts';

/** An OTLP request that was sent on by itself, as bytes. */
export interface PassedRequest {
  readonly bytes: Uint8Array;
  readonly sampleCount: number;
  /** Frames of the request that went out without a name, by frame type and reason. */
  readonly unresolvedFrames: Readonly<Record<string, number>>;
}

/** Folds requests into trees, decoding and all; holds on to nothing of a request but what is drawn. */
export interface RequestFolder {
  add(bytes: Uint8Array): void;
  /** May be called again when more has been added. */
  build(): FlameTrees;
}

/** Requests that passed in the time of one cycle. */
export interface PassedFigures {
  readonly requestCount: number;
  readonly sampleCount: number;
  /** As of `PassedRequest`, added up. */
  readonly unresolvedFrames: Readonly<Record<string, number>>;
}

/** Requests of the time of one cycle. They are kept as bytes, and folded when somebody looks. */
export class PassedRequests {
  readonly #createFolder: () => RequestFolder;
  #folder: RequestFolder | undefined;
  /** Newest last. */
  #waiting: PassedRequest[] = [];
  #waitingBytes = 0;
  #requestCount = 0;
  #sampleCount = 0;
  #skippedSampleCount = 0;
  readonly #unresolvedFrames: Record<string, number> = {};
  #folded: FlameTrees = { trees: [], omittedSampleCount: 0 };

  constructor(createFolder: () => RequestFolder) {
    this.#createFolder = createFolder;
  }

  get figures(): PassedFigures {
    return {
      requestCount: this.#requestCount,
      sampleCount: this.#sampleCount,
      unresolvedFrames: { ...this.#unresolvedFrames },
    };
  }

  /** Of requests that nobody has folded yet. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  get waitingSampleCount(): number {
    return this.#waiting.reduce((sum, { sampleCount }) => sum + sampleCount, 0);
  }

  /** Samples that are in no tree and never will be. */
  get omittedSampleCount(): number {
    return this.#folded.omittedSampleCount + this.#skippedSampleCount;
  }

  /** As far as they are folded. */
  get trees(): readonly FlameTree[] {
    return this.#folded.trees;
  }

  add(request: PassedRequest): void {
    this.#requestCount += 1;
    this.#sampleCount += request.sampleCount;
    this.#waiting.push(request);
    this.#waitingBytes += request.bytes.length;
    for (const [key, count] of Object.entries(request.unresolvedFrames)) {
      this.#unresolvedFrames[key] = (this.#unresolvedFrames[key] ?? 0) + count;
    }
  }

  /** Gives the oldest request that waits up; says how many samples it had. */
  skipOldest(): number {
    const oldest = this.#waiting.shift();
    if (oldest === undefined) return 0;
    this.#waitingBytes -= oldest.bytes.length;
    this.#skippedSampleCount += oldest.sampleCount;
    return oldest.sampleCount;
  }

  /** Folds the newest requests first, as long as there is time. */
  fold(hasTime: () => boolean): void {
    if (this.#waiting.length === 0) return;
    const folder = this.#folder ?? this.#createFolder();
    this.#folder = folder;
    let isChanged = false;
    while (this.#waiting.length > 0 && hasTime()) {
      const { bytes } = this.#waiting.pop()!;
      this.#waitingBytes -= bytes.length;
      folder.add(bytes);
      isChanged = true;
    }
    if (isChanged) this.#folded = folder.build();
  }

  /** No more will come: what is folded is all there is to keep, once nothing waits. */
  settle(): void {
    if (this.#waiting.length === 0) this.#folder = undefined;
  }
}
