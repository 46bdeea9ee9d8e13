import type { Counter, Meter } from '@opentelemetry/api';
import type { KeyValue } from '../otlp/profiles-data.ts';
import type { ResourceContext, ResourceEdit, ResourceEditor } from '../otlp/resource-edit.ts';
import { completeProcesses } from './complete-processes.ts';
import { ResourceDraft } from './resource-draft.ts';
import type { ResourceRule } from './resource-rule.ts';

/** The rules of a pipeline, applied to each resource in the order of its processors. */
export class ResourceChain implements ResourceEditor {
  readonly #rules: readonly ResourceRule[];
  readonly #dropped: Counter;
  readonly foresee: ResourceEditor['foresee'];
  readonly settled: ResourceEditor['settled'];

  constructor(rules: readonly ResourceRule[], meter: Meter) {
    this.#rules = rules;
    const waiting = rules.filter(({ settled }) => settled !== undefined);
    if (waiting.length > 0) {
      // Rules begin to look up what they lack when they are applied.
      this.foresee = (resources) => void this.edit(resources, { isServiceOnSamples: false });
      this.settled = () => allOf(waiting.flatMap((rule) => rule.settled?.() ?? []));
    }
    this.#dropped = meter.createCounter('framekeeper_processor_dropped_samples', {
      description: 'Samples that a processor dropped as configured; of raw frames, and of shares, timestamps.',
      unit: '{sample}',
    });
  }

  edit(resources: readonly (readonly KeyValue[])[], context: ResourceContext): readonly ResourceEdit[] {
    const completed = completeProcesses(resources);
    return completed.map((attributes) => this.#editOne(new ResourceDraft(attributes, context)));
  }

  countDropped(by: string, samples: number): void {
    this.#dropped.add(samples, { processor: by });
  }

  #editOne(draft: ResourceDraft): ResourceEdit {
    for (const rule of this.#rules) if (!rule.apply(draft)) return { kind: 'dropped', by: rule.id };
    return { kind: 'kept', attributes: draft.finish(), samples: draft.filters };
  }
}

function allOf(waiting: readonly Promise<void>[]): Promise<void> | undefined {
  return waiting.length === 0 ? undefined : Promise.all(waiting).then(() => undefined);
}
