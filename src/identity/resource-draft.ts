import type { AnyValue, KeyValue } from '../otlp/profiles-data.ts';
import type { ResourceContext, SampleFilter } from '../otlp/resource-edit.ts';
import { attributeNames } from '../profile/attribute-names.ts';

/** Attributes of one resource while the rules of a pipeline edit them. */
export class ResourceDraft {
  readonly context: ResourceContext;
  /** Name of the workload, known of a pod beside its attributes; empty where it is unknown. */
  workloadName = '';
  readonly #given: readonly KeyValue[];
  readonly #values: Map<string, AnyValue>;
  #filters: SampleFilter[] | undefined;
  #isChanged = false;

  constructor(given: readonly KeyValue[], context: ResourceContext) {
    this.#given = given;
    this.context = context;
    this.#values = new Map(given.map(({ key, value }) => [key, value]));
  }

  get(key: string): AnyValue {
    return this.#values.get(key);
  }

  /** The value as text; empty where it is absent or none. */
  text(key: string): string {
    const value = this.#values.get(key);
    return typeof value === 'string' ? value : '';
  }

  has(key: string): boolean {
    return this.#values.has(key);
  }

  keys(): readonly string[] {
    return [...this.#values.keys()];
  }

  set(key: string, value: AnyValue): void {
    if (this.#values.has(key) && this.#values.get(key) === value) return;
    this.#values.set(key, value);
    this.#isChanged = true;
  }

  /** Sets the value where there is none, or an empty text. */
  fill(key: string, value: AnyValue): void {
    const known = this.#values.get(key);
    if (known === undefined || known === '') this.set(key, value);
  }

  delete(key: string): void {
    if (this.#values.delete(key)) this.#isChanged = true;
  }

  /** Lets a filter decide about the samples below the resource. */
  addFilter(filter: SampleFilter): void {
    this.#filters ??= [];
    this.#filters.push(filter);
  }

  get filters(): readonly SampleFilter[] | undefined {
    return this.#filters;
  }

  /** The attributes; the given list where nothing has changed. */
  finish(): readonly KeyValue[] {
    if (!this.#isChanged) return this.#given;
    return Array.from(this.#values, ([key, value]) => ({ key, value }));
  }
}

/** Process ID of a resource; 0 where it is of none, or of more than one can have. */
export function pidOf(resource: ResourceDraft): number {
  const pid = Number(resource.get(attributeNames.processPid) ?? 0);
  return Number.isInteger(pid) && pid > 0 && pid < 2 ** 31 ? pid : 0;
}
