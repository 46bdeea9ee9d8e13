import type { Clock } from '../../support/clock.ts';
import type { Extraction, PodIdentity, RelatedObject } from './extraction.ts';
import { identityOf } from './extraction.ts';
import type { Pod } from './pod.ts';
import { containersOf, uidsOf } from './pod.ts';

/** Keys by which a pod is found. */
export type PodKey = `container ${string}` | `uid ${string}` | `name ${string}` | `ip ${string}`;

interface Entry {
  readonly uid: string;
  /** Of the pod, where its container is unknown and it has several. */
  readonly pod: PodIdentity;
  readonly byContainer: ReadonlyMap<string, PodIdentity>;
  readonly keys: readonly PodKey[];
}

/** A node runs some hundred pods; those that have ended count until their grace is over. */
const maxPods = 8192;

/**
 * The pods of a node by container, UID, name and address, each with the identity that it gives. Of a pod that has ended, or of a container
 * that runs no more, names stay for a grace, because their samples come late.
 */
export class PodIndex {
  readonly #extraction: Extraction;
  readonly #clock: Pick<Clock, 'nowMs'>;
  readonly #graceMs: number;
  readonly #entries = new Map<string, Entry>();
  readonly #byKey = new Map<PodKey, Entry>();
  /** Keys to forget, in the order of their time. */
  readonly #ending: { readonly key: PodKey; readonly entry: Entry; readonly atMs: number }[] = [];

  constructor(extraction: Extraction, graceMs: number, clock: Pick<Clock, 'nowMs'>) {
    this.#extraction = extraction;
    this.#graceMs = graceMs;
    this.#clock = clock;
  }

  /** Pods that run. */
  get size(): number {
    return this.#entries.size;
  }

  /** Objects beside the pods that run, each once. */
  related(): readonly RelatedObject[] {
    const objects = [...this.#entries.values()].flatMap(({ pod }) => pod.related);
    return [...new Map(objects.map((object) => [object.path, object])).values()];
  }

  /** Identity by a key, of a container by its ID or name, or of the pod. */
  find(key: PodKey, container: { readonly id: string; readonly name: string }): PodIdentity | undefined {
    this.#forget();
    const entry = this.#byKey.get(key);
    if (entry === undefined) return undefined;
    const { byContainer, pod } = entry;
    return byContainer.get(`name ${container.name}`) ?? byContainer.get(`id ${container.id}`) ?? pod;
  }

  set(pod: Pod): void {
    this.#forget();
    const entry = this.#entryOf(pod);
    const known = this.#entries.get(entry.uid);
    if (entry.uid === '' || (known === undefined && this.#entries.size >= maxPods)) return;
    this.#entries.set(entry.uid, entry);
    for (const key of entry.keys) this.#byKey.set(key, entry);
    if (known !== undefined) this.#end(known, new Set(entry.keys));
  }

  delete(uid: string): void {
    const entry = this.#entries.get(uid);
    if (entry === undefined) return;
    this.#entries.delete(uid);
    this.#end(entry, new Set());
  }

  /** Pods that are not among these have ended while nobody watched. */
  replaceAll(pods: readonly Pod[]): void {
    const present = new Set(pods.map(({ metadata }) => metadata?.uid ?? ''));
    for (const uid of [...this.#entries.keys()]) if (!present.has(uid)) this.delete(uid);
    for (const pod of pods) this.set(pod);
  }

  /** Lets the keys of an entry end that others do not have. */
  #end(entry: Entry, others: ReadonlySet<PodKey>): void {
    const atMs = this.#clock.nowMs() + this.#graceMs;
    for (const key of entry.keys) if (!others.has(key)) this.#ending.push({ key, entry, atMs });
    while (this.#ending.length > 8 * maxPods) this.#forgetFirst();
  }

  #forget(): void {
    const nowMs = this.#clock.nowMs();
    while (this.#ending.length > 0 && this.#ending[0]!.atMs <= nowMs) this.#forgetFirst();
  }

  /** An address or name may be another pod's by now. */
  #forgetFirst(): void {
    const { key, entry } = this.#ending.shift()!;
    if (this.#byKey.get(key) === entry) this.#byKey.delete(key);
  }

  #entryOf(pod: Pod): Entry {
    const { metadata = {}, spec = {}, status = {} } = pod;
    const containers = containersOf(pod);
    const byContainer = new Map<string, PodIdentity>();
    for (const container of containers) {
      const identity = identityOf(pod, container, this.#extraction);
      byContainer.set(`name ${container.name}`, identity);
      for (const id of container.ids) byContainer.set(`id ${id}`, identity);
    }
    const ips = spec.hostNetwork === true ? [] : [status.podIP, ...(status.podIPs ?? []).map(({ ip }) => ip)];
    const keys = new Set<PodKey>([
      ...uidsOf(pod).map((uid): PodKey => `uid ${uid}`),
      ...containers.flatMap(({ ids }) => ids.map((id): PodKey => `container ${id}`)),
      `name ${metadata.namespace ?? ''}/${metadata.name ?? ''}`,
      ...ips.flatMap((ip): PodKey[] => (ip === undefined || ip === '' ? [] : [`ip ${ip}`])),
    ]);
    const only = spec.containers?.length === 1 ? containers[0] : undefined;
    const own =
      only === undefined ? identityOf(pod, undefined, this.#extraction) : identityOf(pod, only, this.#extraction);
    return { uid: metadata.uid ?? '', pod: own, byContainer, keys: [...keys] };
  }
}
