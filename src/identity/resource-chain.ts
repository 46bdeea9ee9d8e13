import type { Counter, Meter } from '@opentelemetry/api';
import type { KeyValue } from '../otlp/profiles-data.ts';
import type { ResourceContext, ResourceEdit, ResourceEditor } from '../otlp/resource-edit.ts';
import { completeProcesses } from './complete-processes.ts';
import { ResourceDraft } from './resource-draft.ts';
import type { ResourceRule } from './resource-rule.ts';

type Outcomes = WeakMap<readonly KeyValue[], ResourceEdit>;

/** The rules of a pipeline, applied to each resource in the order of its processors. */
export class ResourceChain implements ResourceEditor {
  readonly #rules: readonly ResourceRule[];
  readonly #dropped: Counter;
  /** Outcomes by the given attributes, for samples with a service and without one; `undefined` where they may change. */
  readonly #known: readonly [Outcomes, Outcomes] | undefined;
  readonly foresee: ResourceEditor['foresee'];
  readonly settled: ResourceEditor['settled'];

  constructor(rules: readonly ResourceRule[], meter: Meter) {
    this.#rules = rules;
    this.#known = rules.every(({ isConstant }) => isConstant === true) ? [new WeakMap(), new WeakMap()] : undefined;
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
    const known = this.#known?.[context.isServiceOnSamples ? 1 : 0];
    return completed.map((attributes) => {
      const before = known?.get(attributes);
      if (before !== undefined) return before;
      const edit = this.#editOne(new ResourceDraft(attributes, context));
      known?.set(attributes, edit);
      return edit;
    });
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
