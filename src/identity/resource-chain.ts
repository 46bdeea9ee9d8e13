import type { Counter, Meter } from '@opentelemetry/api';
import type { KeyValue } from '../otlp/profiles-data.ts';
import type { ResourceContext, ResourceEdit, ResourceEditor } from '../otlp/resource-edit.ts';
import type { Steps } from '../support/steps.ts';
import { atOnce, eachInSteps } from '../support/steps.ts';
import { completeProcesses } from './complete-processes.ts';
import { ResourceDraft } from './resource-draft.ts';
import type { ResourceRule } from './resource-rule.ts';

type Outcomes = WeakMap<readonly KeyValue[], ResourceEdit>;

/** Resources of one cycle are a node's processes; those beyond wait for their first look-up alone. */
const maxForeseen = 8192;
/** Look-ups that lead to further look-ups: process, pod, related objects; and one more that began in between. */
const maxRounds = 4;

/** The rules of a pipeline, applied to each resource in the order of its processors. */
export class ResourceChain implements ResourceEditor {
  readonly #rules: readonly ResourceRule[];
  readonly #dropped: Counter;
  readonly #skipped: Counter;
  /** Outcomes by the given attributes, for samples without a service and with one, of `#revision`. */
  #known: readonly [Outcomes, Outcomes] = [new WeakMap(), new WeakMap()];
  /** Sum of the rules' revisions that the known outcomes are of. */
  #revision = 0;
  /** Resources for which something was being looked up; the next `settled` takes them. */
  readonly #foreseen = new Set<readonly KeyValue[]>();
  readonly foresee: ResourceEditor['foresee'];
  readonly settled: ResourceEditor['settled'];

  constructor(rules: readonly ResourceRule[], meter: Meter) {
    this.#rules = rules;
    const waiting = rules.filter(({ settled }) => settled !== undefined);
    if (waiting.length > 0) {
      const underWay = (): Promise<void> | undefined => allOf(waiting.flatMap((rule) => rule.settled?.() ?? []));
      this.foresee = (resources) => this.#foresee(resources, underWay);
      this.settled = () => (this.#foreseen.size === 0 ? underWay() : this.#settle(underWay));
    }
    this.#dropped = meter.createCounter('framekeeper_processor_dropped_samples', {
      description: 'Samples that a processor dropped as configured; of raw frames, and of shares, timestamps.',
      unit: '{sample}',
    });
    this.#skipped = meter.createCounter('framekeeper_identity_skipped_resources', {
      description:
        'Resources beyond a bound of identity, by reason: same_process (not completed from others of their process), look_up (not waited for after their first look-up).',
      unit: '{resource}',
    });
  }

  edit(resources: readonly (readonly KeyValue[])[], context: ResourceContext): readonly ResourceEdit[] {
    return atOnce(this.editInSteps(resources, context));
  }

  editInSteps(resources: readonly (readonly KeyValue[])[], context: ResourceContext): Steps<readonly ResourceEdit[]> {
    return this.#editAll(resources, context, (count) => this.#skipped.add(count, { reason: 'same_process' }));
  }

  *#editAll(
    resources: readonly (readonly KeyValue[])[],
    context: ResourceContext,
    onSkipped: (count: number) => void = () => undefined,
  ): Steps<readonly ResourceEdit[]> {
    const completed = yield* completeProcesses(resources, onSkipped);
    const known = this.#knownOutcomes()?.[context.isServiceOnSamples ? 1 : 0];
    const edits: ResourceEdit[] = [];
    yield* eachInSteps(completed, (attributes) => {
      const before = known?.get(attributes);
      const edit = before ?? this.#editOne(new ResourceDraft(attributes, context));
      if (before === undefined) known?.set(attributes, edit);
      edits.push(edit);
    });
    return edits;
  }

  countDropped(by: string, samples: number): void {
    this.#dropped.add(samples, { processor: by });
  }

  /** Rules begin their look-ups when they are applied. */
  #foresee(resources: readonly (readonly KeyValue[])[], underWay: () => Promise<void> | undefined): void {
    atOnce(this.#editAll(resources, { isServiceOnSamples: false }));
    if (this.#foreseen.size === 0 && underWay() === undefined) return;
    let skippedCount = 0;
    for (const each of resources) {
      if (this.#foreseen.size < maxForeseen || this.#foreseen.has(each)) this.#foreseen.add(each);
      else skippedCount++;
    }
    if (skippedCount > 0) this.#skipped.add(skippedCount, { reason: 'look_up' });
  }

  /** One look-up leads to the next: a process to its container, that to its pod, the pod to its namespace. */
  async #settle(underWay: () => Promise<void> | undefined): Promise<void> {
    const resources = [...this.#foreseen];
    this.#foreseen.clear();
    for (let round = 0; round < maxRounds; round++) {
      const waiting = underWay();
      if (waiting === undefined && round > 0) return;
      await waiting;
      atOnce(this.#editAll(resources, { isServiceOnSamples: false }));
    }
  }

  /** Outcomes that still hold; `undefined` where none does for longer than a request. */
  #knownOutcomes(): readonly [Outcomes, Outcomes] | undefined {
    let revision = 0;
    for (const rule of this.#rules) {
      if (rule.revision === undefined) return undefined;
      revision += rule.revision;
    }
    if (revision !== this.#revision) this.#known = [new WeakMap(), new WeakMap()];
    this.#revision = revision;
    return this.#known;
  }

  #editOne(draft: ResourceDraft): ResourceEdit {
    for (const rule of this.#rules) if (!rule.apply(draft)) return { kind: 'dropped', by: rule.id };
    return { kind: 'kept', attributes: draft.finish(), samples: draft.filters };
  }
}

function allOf(waiting: readonly Promise<void>[]): Promise<void> | undefined {
  return waiting.length === 0 ? undefined : Promise.all(waiting).then(() => undefined);
}
