import type { KeyValue } from './profiles-data.ts';

/** Outcome for one resource: its attributes, the same list where nothing changed, or the processor that dropped it. */
export type ResourceEdit =
  | { readonly kind: 'kept'; readonly attributes: readonly KeyValue[] }
  | { readonly kind: 'dropped'; readonly by: string };

/** Properties of the profiles below a resource that decide about its attributes. */
export interface ResourceContext {
  /** Samples carry `service.name` themselves, as old senders write it: their resource must not contradict them. */
  readonly isServiceOnSamples: boolean;
}

/** ResourceEditor edits the resources of one request or report, whatever form their samples have. */
export interface ResourceEditor {
  /** One outcome for each list of attributes. All resources of a request come at once, because one may complete another. */
  edit(resources: readonly (readonly KeyValue[])[], context: ResourceContext): readonly ResourceEdit[];
  /** Counts samples of resources that `by` dropped. */
  countDropped(by: string, samples: number): void;
}

/** Keeps every resource as it is. */
export const noEdits: ResourceEditor = {
  edit: (resources) => resources.map((attributes) => ({ kind: 'kept', attributes })),
  countDropped: () => undefined,
};
