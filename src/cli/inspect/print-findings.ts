import type { ConformanceFault } from '../../profile/check/fault-list.ts';
import { oneLine } from './text-table.ts';

/** The verdict of a check, and its findings in groups of a kind, most first; at most `top` groups. */
export function printFindings(title: string, noun: string, findings: readonly ConformanceFault[], top: number): string {
  if (findings.length === 0) return `${title}: no ${noun}s\n`;
  const listed = findings.filter((finding) => leftOutCount(finding) === 0);
  const leftOut = findings.reduce((sum, finding) => sum + leftOutCount(finding), 0);
  const groups = [...groupFindings(listed)].sort((a, b) => b.count - a.count);
  const count = listed.length + leftOut;
  const kinds = groups.length === 1 || groups.length === listed.length ? '' : ` of ${groups.length} kinds`;
  const lines = groups.slice(0, top).map(({ count: times, first }) => {
    const again = times === 1 ? '' : `${times.toLocaleString('en-US')} times, first `;
    return `  ${oneLine(`${again}${first.path}: ${first.problem}`)}\n`;
  });
  if (groups.length > top) {
    const hidden = groups.slice(top).reduce((sum, group) => sum + group.count, 0);
    lines.push(`  and ${hidden.toLocaleString('en-US')} of ${groups.length - top} other kinds (--top shows more)\n`);
  }
  if (leftOut > 0) {
    lines.push(
      `  and ${leftOut.toLocaleString('en-US')} that are not told apart, beyond the first hundred of a message\n`,
    );
  }
  return `${title}: ${count.toLocaleString('en-US')} ${noun}${count === 1 ? '' : 's'}${kinds}\n${lines.join('')}`;
}

interface FindingGroup {
  count: number;
  readonly first: ConformanceFault;
}

/** Findings are of a kind when they differ in numbers alone: indices, counts, sizes. */
function groupFindings(findings: readonly ConformanceFault[]): Iterable<FindingGroup> {
  const groups = new Map<string, FindingGroup>();
  for (const finding of findings) {
    const key = `${finding.path}\n${finding.problem}`.replace(/\d+/g, '#');
    const group = groups.get(key) ?? { count: 0, first: finding };
    group.count += 1;
    groups.set(key, group);
  }
  return groups.values();
}

/** A check lists a hundred findings of a message; one more entry tells the number of the others. */
function leftOutCount({ path, problem }: ConformanceFault): number {
  const count = /^(\d+) more faults are not listed$/.exec(problem)?.[1];
  return path.endsWith('conformance') && count !== undefined ? Number(count) : 0;
}
