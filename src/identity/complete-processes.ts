import type { AnyValue, KeyValue } from '../otlp/profiles-data.ts';
import { attributeNames } from '../profile/attribute-names.ts';
import type { Steps } from '../support/steps.ts';
import { eachInSteps } from '../support/steps.ts';

type Attributes = readonly KeyValue[];

/** Resources of one process that are compared with each other; what was learned of a process late makes two or three. */
const mostOfProcess = 16;

/**
 * Completes resources of processes whose sender learned more of them later: where the attributes of one resource are among those of
 * another of the same process, it gets the other's. Processes are the same by ID, executable and host; where two others could
 * complete a resource, neither does. `onSkipped` is told how many were not compared, if any were.
 */
export function* completeProcesses(
  resources: readonly Attributes[],
  onSkipped: (count: number) => void,
): Steps<readonly Attributes[]> {
  if (resources.length < 2) return resources;
  const byProcess = new Map<string, number | number[]>();
  let isAnyTwice = false;
  let skippedCount = 0;
  yield* eachInSteps(resources, (attributes, index) => {
    const key = processKey(attributes);
    if (key === undefined) return;
    const same = byProcess.get(key);
    isAnyTwice ||= same !== undefined;
    if (same === undefined) byProcess.set(key, index);
    else if (typeof same === 'number') byProcess.set(key, [same, index]);
    else if (same.length < mostOfProcess) same.push(index);
    else skippedCount++;
  });
  if (skippedCount > 0) onSkipped(skippedCount);
  if (!isAnyTwice) return resources;
  const completed = [...resources];
  for (const same of byProcess.values()) {
    if (typeof same === 'number') continue;
    for (const index of same) completed[index] = fullestOf(resources[index]!, same, resources);
    yield;
  }
  return completed;
}

/** The attributes of the one resource that has all of `own` and more; `own` where there is none, or not one alone. */
function fullestOf(own: Attributes, same: readonly number[], resources: readonly Attributes[]): Attributes {
  const fuller = same.map((index) => resources[index]!).filter((other) => isWithin(own, other));
  const fullest = fuller.filter((other) => !fuller.some((another) => isWithin(other, another)));
  return fullest.length === 1 ? fullest[0]! : own;
}

/** Tells attributes that are fewer than the others and say nothing else. */
function isWithin(own: Attributes, other: Attributes): boolean {
  if (own.length >= other.length) return false;
  const values = new Map(other.map(({ key, value }) => [key, value]));
  return own.every(({ key, value }) => isSame(value, values.get(key)));
}

/** Lists and maps are never the same: nothing is known to come later that has one. */
function isSame(one: AnyValue, other: AnyValue): boolean {
  return one !== undefined && one === other;
}

/** Keys of lists that were seen: those of a resource that comes again are often the same object. */
const knownKeys = new WeakMap<Attributes, string>();

/** `undefined` for a resource that is not of one process, or whose executable is unknown. */
function processKey(attributes: Attributes): string | undefined {
  let key = knownKeys.get(attributes);
  if (key === undefined) {
    key = findProcessKey(attributes) ?? '';
    knownKeys.set(attributes, key);
  }
  return key === '' ? undefined : key;
}

function findProcessKey(attributes: Attributes): string | undefined {
  let [pid, path, host]: AnyValue[] = [undefined, undefined, ''];
  for (const { key, value } of attributes) {
    if (key === attributeNames.processPid) pid = value;
    else if (key === attributeNames.processExecutablePath) path = value;
    else if (key === 'host.id' || key === 'host.name') host = `${host} ${key} ${value}`;
  }
  if (typeof pid !== 'bigint' || typeof path !== 'string' || path === '') return undefined;
  return `${pid} ${path} ${host}`;
}
