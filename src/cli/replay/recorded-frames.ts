import type { CollectedFrame, CollectedMapping, CollectedProcess } from './collected.ts';

/** Makes each frame and each mapping of a recording once. */
export class RecordedFrames {
  readonly #frames = new Map<string, CollectedFrame>();
  readonly #mappings = new Map<string, CollectedMapping>();
  readonly #processIds = new Map<CollectedProcess, number>();

  /** `name` is called for a new frame only. */
  intern(frame: Omit<CollectedFrame, 'name'>, name: () => CollectedFrame['name']): CollectedFrame {
    const { owner, address, kind, mapping } = frame;
    const ownerKey = typeof owner === 'string' ? owner : this.#idOf(owner);
    const key = `${ownerKey} ${address} ${kind} ${mapping?.start ?? ''}`;
    let known = this.#frames.get(key);
    if (known === undefined) {
      known = { ...frame, name: name() };
      this.#frames.set(key, known);
    }
    return known;
  }

  internMapping(mapping: CollectedMapping): CollectedMapping {
    const key = `${mapping.executable.fileId} ${mapping.start} ${mapping.end}`;
    const known = this.#mappings.get(key) ?? mapping;
    this.#mappings.set(key, known);
    return known;
  }

  #idOf(process: CollectedProcess): number {
    const id = this.#processIds.get(process) ?? this.#processIds.size;
    this.#processIds.set(process, id);
    return id;
  }
}
