import type { StackFrame, WeightedStacks } from './weighted-stacks.ts';

/**
 * Folded stacks, one a line, root first, as flamegraph.pl reads them (https://github.com/brendangregg/FlameGraph): groups, frames
 * with marks of their kind, and the value behind the last blank. The format has no escapes: semicolons become colons, and
 * control characters blanks.
 */
export function foldedText({ stacks }: WeightedStacks): string {
  const lines = stacks.map(({ groups, frames, value }) => {
    const elements = [...groups.map(clean), ...frames.map((frame) => `${clean(frame.name)}${markOf(frame)}`)];
    return `${elements.join(';')} ${value}\n`;
  });
  return lines.join('');
}

const compiledTypes: ReadonlySet<string> = new Set(['jvm', 'v8js', 'dotnet', 'luajit']);

/** Marks of stackcollapse-perf: kernel, inlined, compiled at run time. */
function markOf({ type, isInlined }: StackFrame): string {
  if (type === 'kernel') return '_[k]';
  if (isInlined) return '_[i]';
  return compiledTypes.has(type) ? '_[j]' : '';
}

function clean(name: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are taken out.
  const line = name.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, ' ').replaceAll(';', ':');
  return line.trim() || '(nameless)';
}
