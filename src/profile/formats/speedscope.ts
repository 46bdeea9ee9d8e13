import type { StackFrame, WeightedStack, WeightedStacks } from './weighted-stacks.ts';

// The page becomes slow with more.
const maxProfiles = 100;

/**
 * JSON for https://www.speedscope.app: one profile with all stacks, as it cannot join several, and one for each group, the heaviest
 * first and a hundred at most. On-CPU samples weigh the nanoseconds that they stand for. There is no order in time.
 */
export function speedscopeJson(weighted: WeightedStacks, exporter: string): string {
  const frames = new FrameIndex();
  const { stacks, periodNano, type } = weighted;
  const groups = [...Map.groupBy(stacks, (stack) => stack.groups.join(' '))]
    .filter(([name]) => name !== '')
    .sort(([, a], [, b]) => Number(sumOf(b) - sumOf(a)));
  const profileOf = (name: string, members: readonly WeightedStack[]): object => ({
    type: 'sampled',
    name: `${name} (${type}, no order in time)`,
    unit: periodNano === undefined ? unitOf(type) : 'nanoseconds',
    startValue: 0,
    endValue: Number(sumOf(members) * (periodNano ?? 1n)),
    samples: members.map((stack) => stack.frames.map((frame) => frames.indexOf(frame))),
    weights: members.map(({ value }) => Number(value * (periodNano ?? 1n))),
  });
  const profiles = [profileOf('all', stacks)];
  if (groups.length > 1)
    profiles.push(...groups.slice(0, maxProfiles).map(([name, members]) => profileOf(name, members)));
  return JSON.stringify({
    $schema: 'https://www.speedscope.app/file-format-schema.json',
    exporter,
    name: type,
    activeProfileIndex: 0,
    shared: { frames: frames.frames },
    profiles,
  });
}

// https://github.com/jlfwong/speedscope/blob/main/src/lib/file-format-spec.ts
const units = ['nanoseconds', 'microseconds', 'milliseconds', 'seconds', 'bytes'] as const;

/** The unit of values of a type, where speedscope knows it. */
function unitOf(type: string): (typeof units)[number] | 'none' {
  return units.find((unit) => type.endsWith(`/${unit}`)) ?? 'none';
}

class FrameIndex {
  readonly frames: { name: string; file?: string; line?: number }[] = [];
  readonly #indices = new Map<StackFrame, number>();

  indexOf(frame: StackFrame): number {
    let index = this.#indices.get(frame);
    if (index === undefined) {
      const { name, file, line } = frame;
      index = this.frames.push({ name, ...(file !== '' && { file }), ...(line > 0 && { line }) }) - 1;
      this.#indices.set(frame, index);
    }
    return index;
  }
}

function sumOf(stacks: readonly WeightedStack[]): bigint {
  return stacks.reduce((sum, { value }) => sum + value, 0n);
}
