import type { StubKind } from '../../model/frame-batch.ts';
import type { FrameKind } from '../../model/frame-kind.ts';
import { frameKinds } from '../../model/frame-kind.ts';

/** What one entry of a perf map says, taken apart. */
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

/** Which runtime wrote a perf map: by the libraries of the process, else by how the map names things. */
export function runtimeKind(paths: readonly string[], names: Iterable<string>): FrameKind {
  for (const [pattern, kind] of kindsByLibrary) {
    if (paths.some((path) => pattern.test(path))) return kind;
  }
  for (const name of names) {
    if (/^(JS|LazyCompile|Function|Builtin|Eval|Script):/.test(name)) return frameKinds.v8js;
    if (name.startsWith('py::')) return frameKinds.cpython;
  }
  return frameKinds.native;
}

const kindsByLibrary: readonly (readonly [RegExp, FrameKind])[] = [
  [/\/libjvm\.so$/, frameKinds.jvm],
  [/\/libcoreclr\.so$/, frameKinds.dotnet],
  [/\/beam(\.smp)?$/, frameKinds.beam],
];

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
  const method = /^(?:\S+ )?([^\s()]+\.[^\s()]+)\(.*\)$/.exec(name);
  if (method !== null) return { ...plain(name, 'jit'), functionName: method[1]!, systemName: name };
  return plain(name, name === 'Interpreter' ? 'interpreter' : 'stub');
}

const v8Tiers: Readonly<Record<string, { stubKind: StubKind; tier: string }>> = {
  '~': { stubKind: 'interpreter', tier: 'ignition' },
  '^': { stubKind: 'jit', tier: 'sparkplug' },
  '+': { stubKind: 'jit', tier: 'maglev' },
  '*': { stubKind: 'jit', tier: 'turbofan' },
};

/**
 * V8 writes `JS:*name file:line:column` (older ones `LazyCompile:*name file:line`) with a mark for the tier, and its own
 * code as `Builtin:name` and the like, which stay as they are. Names and files may hold spaces; a file that looks like
 * a path begins at its first slash or scheme, any other behind the last space.
 */
function parseV8Name(name: string): RuntimeName {
  const script = /^(?:JS|LazyCompile|Function|Eval|Script):([~^+*]?)(.*)$/.exec(name);
  if (script === null) return plain(name, name.startsWith('RegExp:') ? 'jit' : 'stub');
  const [, mark, text] = script;
  const place =
    /^(.*?) ?((?<= )(?:\/|[a-z]+:|[A-Z]:\\).*?):(\d+)(?::\d+)?$/.exec(text!) ?? /^(.*) (\S*):(\d+):\d+$/.exec(text!);
  const functionName = (place?.[1] ?? text!) || '(anonymous)';
  const { stubKind, tier } = v8Tiers[mark!] ?? { stubKind: 'jit', tier: '' };
  return { functionName, systemName: name, file: place?.[2] ?? '', line: Number(place?.[3] ?? 0), stubKind, tier };
}

/** CPython 3.12 and newer write a trampoline as `py::qualname:/path/file.py`. */
function parsePythonName(name: string): RuntimeName {
  const parts = /^py::(.*?):(\/.*|<.*>)$/.exec(name);
  if (parts === null) return plain(name, 'stub');
  return { ...plain(name, 'stub'), functionName: parts[1]!, systemName: name, file: parts[2]! };
}

function plain(name: string, stubKind: StubKind): RuntimeName {
  return { functionName: name, systemName: '', file: '', line: 0, stubKind, tier: '' };
}
