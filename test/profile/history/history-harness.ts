import type { HistoryContents } from '../../../src/profile/history/profile-history.ts';
import { ProfileHistory } from '../../../src/profile/history/profile-history.ts';
import type { TreeView, ViewedTree } from '../../../src/profile/history/read-tree.ts';
import { readTree } from '../../../src/profile/history/read-tree.ts';
import type { HistoryGrouping, HistorySelection } from '../../../src/profile/history/selection.ts';
import { Groups, groupStacks, selectBuckets } from '../../../src/profile/history/selection.ts';
import { WorkSlices } from '../../../src/profile/history/work-slices.ts';
import type { FixtureSample } from '../../support/profiles-fixture.ts';
import { profilesOf } from '../../support/profiles-fixture.ts';

export const slices: WorkSlices = new WorkSlices(() => 0);

export const everything: HistorySelection = {
  type: '',
  fromUnixMs: 0,
  toUnixMs: Number.MAX_SAFE_INTEGER,
  labels: {},
  match: '',
  frameType: '',
};

export const wholeView: TreeView = { maxNodes: 100_000, maxDepth: 1000, minShare: 0, path: [] };

/** A history with one cycle of 5 s for each list of samples, the first from 0 s to 5 s. */
export function historyOf(...cycles: (readonly FixtureSample[])[]): ProfileHistory {
  const history = new ProfileHistory({ maxBytes: 2 ** 30 });
  for (const [index, samples] of cycles.entries()) {
    history.addCycle(5000 * index, 5000 * (index + 1), [profilesOf(samples)]);
  }
  return history;
}

export function treeOf(
  contents: HistoryContents,
  selection: Partial<HistorySelection> = {},
  view: Partial<TreeView> = {},
  grouping: HistoryGrouping = 'service',
): Promise<ViewedTree> {
  return readTreeOf(contents, { ...everything, ...selection }, { ...wholeView, ...view }, grouping);
}

async function readTreeOf(
  contents: HistoryContents,
  selection: HistorySelection,
  view: TreeView,
  grouping: HistoryGrouping,
): Promise<ViewedTree> {
  const groups = new Groups(contents.dictionary, grouping);
  const main = await groupStacks(contents, selectBuckets(contents, selection), selection, groups, slices);
  return readTree(contents.dictionary, { main }, { grouping, names: groups.names }, view, slices);
}

/** Values of a selection by stack. */
export function stacksOf(contents: HistoryContents, selection: Partial<HistorySelection> = {}) {
  const whole = { ...everything, ...selection };
  const groups = new Groups(contents.dictionary, 'none');
  return groupStacks(contents, selectBuckets(contents, whole), whole, groups, slices);
}
