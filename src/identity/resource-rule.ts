import type { ResourceDraft } from './resource-draft.ts';

/** ResourceRule is a processor's part in the identity of resources. */
export interface ResourceRule {
  /** The processor's identifier. */
  readonly id: string;
  /** True where the outcome depends on the attributes and the context alone: it is then kept for a resource that comes again. */
  readonly isConstant?: boolean;
  /** Edits the attributes; `false` drops the resource. */
  apply(resource: ResourceDraft): boolean;
  /** Resolves when what the rule had to look up is known, or will not be in time; `undefined` when nothing is under way. */
  readonly settled?: (() => Promise<void> | undefined) | undefined;
}
