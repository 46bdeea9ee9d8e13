import type { StubKind } from '../../model/frame-batch.ts';
import type { FrameKind } from '../../model/frame-kind.ts';
import { frameKinds } from '../../model/frame-kind.ts';

/** The name of an entry of a perf map, taken apart. */
export interface RuntimeName {
  readonly functionName: string;
  /** The whole entry, where `functionName` is a part of it; empty otherwise. */
  readonly systemName: string;
  readonly file: string;
  /** 1-based; 0 when unknown. */
  readonly line: number;
  readonly stubKind: StubKind;
  /** As the runtime calls it; empty when unknown. */
  readonly tier: string;
}

/** The runtime that wrote a perf map: known by the files of the process, else by the form of the names. */
export function runtimeKind(paths: readonly string[], names: Iterable<string>): FrameKind {
  for (const [pattern, kind] of kindsByFile) {
    if (paths.some((path) => pattern.test(path))) return kind;
  }
  for (const name of names) {
    if (/^(JS|LazyCompile|Function|Builtin|BytecodeHandler|Eval|Script|RegExp):|^RegExp\.> src: /.test(name)) {
      return frameKinds.v8js;
    }
    if (name.startsWith('py::')) return frameKinds.cpython;
  }
  return frameKinds.native;
}

const kindsByFile: readonly (readonly [RegExp, FrameKind])[] = [
  [/\/libjvm\.so$/, frameKinds.jvm],
  [/\/libcoreclr\.so$/, frameKinds.dotnet],
  [/\/beam(\.smp)?$/, frameKinds.beam],
  [/\/(node|nodejs|deno|libnode\.so[.\d]*)$/, frameKinds.v8js],
];

/** Takes an entry's name apart, in time linear in its length. */
export function parseRuntimeName(name: string, kind: FrameKind): RuntimeName {
  if (kind === frameKinds.jvm) return parseJavaName(name);
  if (kind === frameKinds.v8js) return parseV8Name(name);
  return kind === frameKinds.cpython ? parsePythonName(name) : plain(name, 'jit');
}

/**
 * HotSpot writes a method with its result and parameters, `int java.lang.String.indexOf(int, int)`, and everything
 * else by the name of the code blob. The method without types reads better; the signature stays as the system name.
 */
function parseJavaName(name: string): RuntimeName {
  const bracket = name.indexOf('(');
  const words = name.slice(0, Math.max(0, bracket)).split(' ', 3);
  const method = words.at(-1)!;
  if (words.length <= 2 && name.endsWith(')') && /^[^\s()]+$/.test(method) && /[^.]\.[^.]/.test(method)) {
    return { ...plain(name, 'jit'), functionName: method, systemName: name };
  }
  return plain(name, name === 'Interpreter' ? 'interpreter' : 'stub');
}

const v8Tiers: Readonly<Record<string, { stubKind: StubKind; tier: string }>> = {
  '~': { stubKind: 'interpreter', tier: 'ignition' },
  '^': { stubKind: 'jit', tier: 'sparkplug' },
  '+': { stubKind: 'jit', tier: 'maglev' },
  '*': { stubKind: 'jit', tier: 'turbofan' },
};

/**
 * V8 writes `JS:*name file:line:column` (older ones `LazyCompile:*name file:line`) with a mark for the tier, and an
 * apostrophe behind the mark where the code was made for one closure (Node.js 24). Its own code is written as `Builtin:name` and
 * the like, regular expressions with their source; these names stay as they are. Names and files may hold spaces: a
 * file that looks like a path begins at its first slash or scheme, any other behind the last space.
 */
function parseV8Name(name: string): RuntimeName {
  const script = /^(?:JS|LazyCompile|Function|Eval|Script):(?:([~^+*])'?)?/.exec(name);
  if (script === null) return plain(name, name.startsWith('RegExp') ? 'jit' : 'stub');
  const { functionName, file, line } = splitPlace(name.slice(script[0].length));
  const { stubKind, tier } = v8Tiers[script[1] ?? ''] ?? { stubKind: 'jit', tier: '' };
  return { functionName: functionName || '(anonymous)', systemName: name, file, line, stubKind, tier };
}

/** `name file:line:column` or `name file:line`; all of `text` is the name where no position ends it. */
function splitPlace(text: string): { functionName: string; file: string; line: number } {
  const [position, line, column] = /:(\d{1,10})(?::(\d{1,10}))?$/.exec(text.slice(-22)) ?? [];
  const place = position === undefined ? text : text.slice(0, -position.length);
  const path = / ?(?:(?<= |^)\/| [a-z]+:| [A-Z]:\\)/.exec(place);
  const space = path === null ? (column === undefined ? -1 : place.lastIndexOf(' ')) : path.index;
  if (position === undefined || (path === null && space < 0)) return { functionName: text, file: '', line: 0 };
  return { functionName: place.slice(0, space), file: place.slice(space).trimStart(), line: Number(line) };
}

/** CPython 3.12 and newer write a trampoline as `py::qualname:/path/file.py`, or with `<string>` and the like as the file. */
function parsePythonName(name: string): RuntimeName {
  const isBracketed = name.endsWith('>');
  const colon = isBracketed ? name.lastIndexOf(':<') : name.indexOf(':/', 4);
  if (!name.startsWith('py::') || colon < 4) return plain(name, 'stub');
  return { ...plain(name, 'stub'), functionName: name.slice(4, colon), systemName: name, file: name.slice(colon + 1) };
}

function plain(name: string, stubKind: StubKind): RuntimeName {
  return { functionName: name, systemName: '', file: '', line: 0, stubKind, tier: '' };
}
