/**
 * Kind of a frame. `interpreted`: functions of a language whose bytecode is interpreted; `managed`: functions that a runtime compiles
 * (JVM, V8, .NET); `stub`: code that a runtime made for itself; `unresolved`: without a name yet. Three stand for no function: `root`,
 * the groups `service` and `group`, and `other`, values below the resolution.
 */
export type FrameClass =
  | 'root'
  | 'service'
  | 'group'
  | 'kernel'
  | 'native'
  | 'managed'
  | 'interpreted'
  | 'stub'
  | 'unresolved'
  | 'other';

export interface FrameFacts {
  /** `profile.frame.type`; empty when unknown. */
  readonly type: string;
  /** Empty when nobody named the frame. */
  readonly name: string;
  /** Source file; empty when unknown. */
  readonly file: string;
}

/**
 * Class of a frame, which gives its colour. The wire has a frame's language, not whether a runtime made the code for itself;
 * that follows from the definition of a stub: a name and no source. JVM and .NET methods without a file are known by the
 * form of their names, V8's by the prefix of its perf maps (`JS:*name`, `~name` while interpreted), and its
 * embedded builtins by their symbols in the node executable.
 */
export function classifyFrame({ type, name, file }: FrameFacts): FrameClass {
  if (name === '') return 'unresolved';
  switch (type) {
    case 'kernel':
      return 'kernel';
    case 'cpython':
    case 'php':
    case 'ruby':
    case 'perl':
    case 'beam':
    case 'luajit':
      return 'interpreted';
    case 'jvm':
      // `int Work.rex()`, `java.lang.String::hash`, `Ljava/util/List;.get`; but `StubRoutines (1)`, `Interpreter`.
      return file !== '' || /[.#]|::/.test(name) ? 'managed' : 'stub';
    case 'v8js':
      return classifyV8(name, file);
    case 'dotnet':
      return file === '' && name.startsWith('[') ? 'stub' : 'managed';
    default:
      return name.startsWith('Builtins_') ? 'stub' : 'native';
  }
}

function classifyV8(name: string, file: string): FrameClass {
  if (/^(?:JS:|Eval:|Script:)?~/.test(name)) return 'interpreted';
  return file !== '' || /^(?:JS:|Eval:|Script:|RegExp:|[*^+])/.test(name) ? 'managed' : 'stub';
}
