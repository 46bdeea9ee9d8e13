import type { Steps } from '../support/steps.ts';
import { eachInSteps } from '../support/steps.ts';
import type { KeyValue } from './profiles-data.ts';

/** Outcome for one resource: its attributes, the same list where nothing changed, or the processor that dropped it. */
export type ResourceEdit =
  | {
      readonly kind: 'kept';
      readonly attributes: readonly KeyValue[];
      /** Filters that decide about each sample; absent where there are none. */
      readonly samples?: readonly SampleFilter[] | undefined;
    }
  | { readonly kind: 'dropped'; readonly by: string };

/** SampleFilter keeps some samples of a resource and drops others. */
export interface SampleFilter {
  /** The processor that drops. */
  readonly by: string;
  /** Tells by the types of a stack's frames; empty text for an unknown one. Absent: all stacks. */
  readonly keepsStack?: (frameTypes: ReadonlySet<string>) => boolean;
  /** Tells by chance, for each timestamp, or each sample without one. Absent: all. */
  readonly keepsObservation?: () => boolean;
  /** Share of the observations that `keepsObservation` keeps. */
  readonly share?: number;
}

/** Properties of the profiles below a resource that decide about its attributes. */
export interface ResourceContext {
  /** Samples carry `service.name` themselves, as old senders write it: their resource must not contradict them. */
  readonly isServiceOnSamples: boolean;
}

/** ResourceEditor edits the resources of one request or report, whatever form their samples have. */
export interface ResourceEditor {
  /** One outcome for each list of attributes. All resources of a request come at once, because one may complete another. */
  edit(resources: readonly (readonly KeyValue[])[], context: ResourceContext): readonly ResourceEdit[];
  /** The same in steps, for a report with a great many processes. */
  editInSteps(resources: readonly (readonly KeyValue[])[], context: ResourceContext): Steps<readonly ResourceEdit[]>;
  /** Begins to look up what later edits of these resources need. Absent where none needs anything. */
  readonly foresee?: ((resources: readonly (readonly KeyValue[])[]) => void) | undefined;
  /**
   * Resolves when what the edits so far had to look up is known, or will not be in time: a repeated edit knows more then. `undefined`
   * when nothing is under way.
   */
  readonly settled?: (() => Promise<void> | undefined) | undefined;
  /** Counts samples of resources that `by` dropped. */
  countDropped(by: string, samples: number): void;
}

/** Keeps every resource as it is. */
export const noEdits: ResourceEditor = editorOf((attributes) => ({ kind: 'kept', attributes }));

/** An editor by a function of one resource, which drops nothing. */
export function editorOf(
  editOne: (attributes: readonly KeyValue[], context: ResourceContext) => ResourceEdit,
): ResourceEditor {
  return {
    edit: (resources, context) => resources.map((attributes) => editOne(attributes, context)),
    *editInSteps(resources, context) {
      const edits: ResourceEdit[] = [];
      yield* eachInSteps(resources, (attributes) => edits.push(editOne(attributes, context)));
      return edits;
    },
    countDropped: () => undefined,
  };
}
