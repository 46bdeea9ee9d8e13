import type { ResourceDraft } from './resource-draft.ts';

/** ResourceRule is a processor's part in the identity of resources. */
export interface ResourceRule {
  /** The processor's identifier. */
  readonly id: string;
  /**
   * As long as it is the same number, the outcome depends on the attributes and the context alone, and is kept for a resource that comes
   * again. It only grows. Absent where the outcome may be another one each time.
   */
  readonly revision?: number | undefined;
  /** Edits the attributes; `false` drops the resource. */
  apply(resource: ResourceDraft): boolean;
  /** Resolves when what the rule had to look up is known, or will not be in time; `undefined` when nothing is under way. */
  readonly settled?: (() => Promise<void> | undefined) | undefined;
}
