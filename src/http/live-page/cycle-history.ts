import type { FlameProfileType, FlameTree } from '../../model/flame-tree.ts';
import { profileTypeKey } from '../../model/flame-tree.ts';
import { FlameFrameTable, FlameTreeBuilder } from '../../model/flame-tree-builder.ts';
import type { CycleFigures, LiveCycle } from './live-cycle.ts';

/** What the page asks for. Empty texts: the first type, all services. */
export interface LiveQuery {
  readonly type: string;
  readonly service: string;
  /** The newest so many cycles. */
  readonly cycles: number;
}

/** What the page draws. */
export interface LiveData {
  /** `null` before the first cycle. */
  readonly endUnixMs: number | null;
  readonly figures: CycleFigures | null;
  readonly keptCycles: number;
  /** Wall-clock length of the cycles that the tree covers. */
  readonly coveredMs: number;
  readonly types: readonly (FlameProfileType & { readonly key: string })[];
  /** Names of the services that have samples of the type, sorted. */
  readonly services: readonly string[];
  readonly omittedSampleCount: number;
  readonly typeKey: string;
  readonly service: string;
  readonly tree: FlameTree | null;
}

/** The newest cycles, at most `maxCycles` of them. */
export class CycleHistory {
  readonly #maxCycles: number;
  readonly #maxNodes: number;
  /** Oldest first. */
  #cycles: LiveCycle[] = [];

  constructor(maxCycles: number, maxNodes: number) {
    this.#maxCycles = maxCycles;
    this.#maxNodes = maxNodes;
  }

  add(cycle: LiveCycle): void {
    this.#cycles = [...this.#cycles, cycle].slice(-this.#maxCycles);
  }

  /** Joins the trees of the newest cycles into one. */
  read({ type, service, cycles }: LiveQuery): LiveData {
    const covered = this.#cycles.slice(-cycles);
    const trees = covered.flatMap(({ flame }) => flame.trees);
    const types = new Map(trees.map((tree) => [profileTypeKey(tree.type), tree.type]));
    const typeKey = type === '' ? defaultType(types) : type;
    const wanted = trees.filter((tree) => profileTypeKey(tree.type) === typeKey);
    const last = covered.at(-1);
    return {
      endUnixMs: last?.endUnixMs ?? null,
      figures: last?.figures ?? null,
      keptCycles: this.#cycles.length,
      coveredMs: covered.reduce((sum, { figures }) => sum + figures.windowMs, 0),
      types: [...types].map(([key, value]) => ({ ...value, key })),
      services: [...new Set(wanted.flatMap(servicesOf))].sort(),
      omittedSampleCount: covered.reduce((sum, { flame }) => sum + flame.omittedSampleCount, 0),
      typeKey,
      service,
      tree: this.#join(wanted, service),
    };
  }

  #join(trees: readonly FlameTree[], service: string): FlameTree | null {
    const type = trees[0]?.type;
    if (type === undefined) return null;
    const builder = new FlameTreeBuilder(type, new FlameFrameTable(), this.#maxNodes);
    for (const tree of trees) builder.addTree(tree, service === '' ? undefined : service);
    return builder.build();
  }
}

/** What people come for first: where the CPU's time goes. */
function defaultType(types: ReadonlyMap<string, FlameProfileType>): string {
  const cpu = [...types].find(([, { sampleType, periodType }]) => sampleType === 'cpu' || periodType === 'cpu');
  return cpu?.[0] ?? [...types.keys()][0] ?? '';
}

function servicesOf(tree: FlameTree): string[] {
  return tree.frames.filter((frame) => frame.class === 'service').map(({ name }) => name);
}
