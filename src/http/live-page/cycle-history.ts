import type { FlameProfileType, FlameTree } from '../../profile/flame/flame-tree.ts';
import { profileTypeKey } from '../../profile/flame/flame-tree.ts';
import { FlameFrameTable, FlameTreeBuilder } from '../../profile/flame/flame-tree-builder.ts';
import type { CycleFigures, LiveCycle } from './live-cycle.ts';
import type { PassedFigures, PassedRequest, RequestFolder } from './passed-requests.ts';
import { PassedRequests } from './passed-requests.ts';

/** LiveQuery is the selection of the page. Empty texts: the first type, all services. */
export interface LiveQuery {
  readonly type: string;
  readonly service: string;
  /** The newest so many cycles. */
  readonly cycles: number;
}

/** Data that the page draws. */
export interface LiveData {
  /** `null` before the first cycle. */
  readonly endUnixMs: number | null;
  readonly figures: (CycleFigures & { readonly passed: PassedFigures }) | null;
  readonly keptCycles: number;
  /** Wall-clock length of the cycles that the tree covers. */
  readonly coveredMs: number;
  readonly types: readonly (FlameProfileType & { readonly key: string })[];
  /** Names of the services that have samples of the type, sorted. */
  readonly services: readonly string[];
  readonly omittedSampleCount: number;
  /** Samples that will be in the tree when it is asked for again. */
  readonly waitingSampleCount: number;
  readonly typeKey: string;
  readonly service: string;
  readonly tree: FlameTree | null;
}

export interface HistoryBounds {
  readonly maxCycles: number;
  /** Of an answer. */
  readonly maxNodes: number;
  /** Of requests that passed and are not folded yet. */
  readonly maxPassedBytes: number;
}

interface KeptCycle extends LiveCycle {
  readonly passed: PassedRequests;
}

/** The newest cycles, and the requests that were sent on in their time and since. */
export class CycleHistory {
  readonly #bounds: HistoryBounds;
  readonly #createFolder: () => RequestFolder;
  /** Oldest first. */
  #cycles: KeptCycle[] = [];
  /** Since the last cycle. */
  #passing: PassedRequests;
  #waitingBytes = 0;

  constructor(bounds: HistoryBounds, createFolder: () => RequestFolder) {
    this.#bounds = bounds;
    this.#createFolder = createFolder;
    this.#passing = new PassedRequests(createFolder);
  }

  add(cycle: LiveCycle): void {
    this.#passing.settle();
    this.#cycles = [...this.#cycles, { ...cycle, passed: this.#passing }].slice(-this.#bounds.maxCycles);
    this.#passing = new PassedRequests(this.#createFolder);
    this.#weigh();
  }

  /** Says how many samples of older requests had to go for it. */
  addPassed(request: PassedRequest): number {
    this.#passing.add(request);
    this.#waitingBytes += request.bytes.length;
    if (this.#waitingBytes <= this.#bounds.maxPassedBytes) return 0;
    let skippedSampleCount = 0;
    for (const { passed } of this.#cycles) skippedSampleCount += this.#makeRoom(passed);
    return skippedSampleCount + this.#makeRoom(this.#passing);
  }

  #makeRoom(passed: PassedRequests): number {
    let skippedSampleCount = 0;
    while (this.#waitingBytes > this.#bounds.maxPassedBytes && passed.waitingBytes > 0) {
      const bytesBefore = passed.waitingBytes;
      skippedSampleCount += passed.skipOldest();
      this.#waitingBytes -= bytesBefore - passed.waitingBytes;
    }
    return skippedSampleCount;
  }

  #weigh(): void {
    this.#waitingBytes = sumOf(
      [...this.#cycles.map(({ passed }) => passed), this.#passing].map((each) => each.waitingBytes),
    );
  }

  /** Joins the trees of the newest cycles into one, with those of requests that there is time to fold. */
  read({ type, service, cycles }: LiveQuery, hasTime: () => boolean): LiveData {
    const covered = this.#cycles.slice(-cycles);
    const passed = [...covered.map((cycle) => cycle.passed), this.#passing];
    for (const each of passed.toReversed()) {
      each.fold(hasTime);
      if (each !== this.#passing) each.settle();
    }
    this.#weigh();
    const trees = [...covered.flatMap(({ flame }) => flame.trees), ...passed.flatMap((each) => each.trees)];
    const types = new Map(trees.map((tree) => [profileTypeKey(tree.type), tree.type]));
    const typeKey = type === '' ? defaultType(types) : type;
    const wanted = trees.filter((tree) => profileTypeKey(tree.type) === typeKey);
    const last = covered.at(-1);
    const omitted = [...covered.map(({ flame }) => flame), ...passed].map((each) => each.omittedSampleCount);
    return {
      endUnixMs: last?.endUnixMs ?? null,
      figures: last === undefined ? null : { ...last.figures, passed: last.passed.figures },
      keptCycles: this.#cycles.length,
      coveredMs: sumOf(covered.map(({ figures }) => figures.windowMs)),
      types: [...types].map(([key, value]) => ({ ...value, key })),
      services: [...new Set(wanted.flatMap(servicesOf))].sort(),
      omittedSampleCount: sumOf(omitted),
      waitingSampleCount: sumOf(passed.map((each) => each.waitingSampleCount)),
      typeKey,
      service,
      tree: this.#join(wanted, service),
    };
  }

  #join(trees: readonly FlameTree[], service: string): FlameTree | null {
    const type = trees[0]?.type;
    if (type === undefined) return null;
    const builder = new FlameTreeBuilder(type, new FlameFrameTable(), this.#bounds.maxNodes);
    for (const tree of trees) builder.addTree(tree, service === '' ? undefined : service);
    return builder.build();
  }
}

/** CPU time comes first: it is the first question of most visitors. */
function defaultType(types: ReadonlyMap<string, FlameProfileType>): string {
  const cpu = [...types].find(([, { sampleType, periodType }]) => sampleType === 'cpu' || periodType === 'cpu');
  return cpu?.[0] ?? [...types.keys()][0] ?? '';
}

function servicesOf(tree: FlameTree): string[] {
  return tree.frames.filter((frame) => frame.class === 'service').map(({ name }) => name);
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
