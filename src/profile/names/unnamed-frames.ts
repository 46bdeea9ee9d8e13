import { frameKinds, frameTypeName } from '../../model/frame-kind.ts';

/** Frames without a name, of one type and for one reason. */
export interface UnnamedFrames {
  readonly reason: string;
  readonly frameType: string;
  readonly count: number;
}

const knownTypes: ReadonlySet<string> = new Set(Object.values(frameKinds).map(frameTypeName));

/** Counts frames without a name. Senders write frame types as they like: unknown ones are counted as `other`. */
export class UnnamedTally {
  readonly #counts = new Map<string, { reason: string; frameType: string; count: number }>();
  /** Arguments of the last call, and its entry: most frames without a name are of the kind of the one before. */
  #reason = '';
  #frameType = '';
  #entry: { count: number } | undefined;

  /** An empty type is native, the only one that promises nothing. */
  add(reason: string, frameType: string): void {
    if (this.#entry === undefined || reason !== this.#reason || frameType !== this.#frameType) {
      this.#entry = this.#entryOf(reason, frameType);
      this.#reason = reason;
      this.#frameType = frameType;
    }
    this.#entry.count += 1;
  }

  #entryOf(reason: string, sentType: string): { count: number } {
    const frameType = sentType === '' ? 'native' : knownTypes.has(sentType) ? sentType : 'other';
    const key = `${reason} ${frameType}`;
    const entry = this.#counts.get(key) ?? { reason, frameType, count: 0 };
    this.#counts.set(key, entry);
    return entry;
  }

  toArray(): UnnamedFrames[] {
    return [...this.#counts.values()];
  }
}
