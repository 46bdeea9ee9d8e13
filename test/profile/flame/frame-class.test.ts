import assert from 'node:assert/strict';
import { test } from 'node:test';
import { classifyFrame } from '../../../src/profile/flame/frame-class.ts';

for (const [type, name, file, frameClass] of [
  ['kernel', 'do_syscall_64', '', 'kernel'],
  ['kernel', '', '', 'unresolved'],
  ['native', 'main', 'main.c', 'native'],
  ['', 'main', '', 'native'],
  ['go', 'runtime.mcall', '', 'native'],
  ['rust', 'core::ops', '', 'native'],
  ['native', '', '', 'unresolved'],
  ['native', 'Builtins_InterpreterEntryTrampoline', '', 'stub'],
  ['cpython', 'Work.run', 'work.py', 'interpreted'],
  ['ruby', 'Array#each', '', 'interpreted'],
  ['jvm', 'Interpreter', '', 'stub'],
  ['jvm', 'StubRoutines (1)', '', 'stub'],
  ['jvm', 'I2C/C2I adapters', '', 'stub'],
  ['jvm', 'fast_new_instance Runtime1 stub', '', 'stub'],
  ['jvm', '_new_instance_Java', '', 'stub'],
  ['jvm', 'int java.lang.StringLatin1.hashCode(byte[])', '', 'managed'],
  ['jvm', 'void java.lang.Object.<init>()', '', 'managed'],
  ['jvm', 'java.util.List::of', '', 'managed'],
  ['jvm', 'run', 'Work.java', 'managed'],
  ['v8js', 'Builtin:ArrayPrototypeMap', '', 'stub'],
  ['v8js', 'BytecodeHandler:LdaZero', '', 'stub'],
  ['v8js', 'JS:*fib /srv/app.js:3:9', '', 'managed'],
  ['v8js', 'JS:^fib', '', 'managed'],
  ['v8js', 'JS:~fib', '', 'interpreted'],
  ['v8js', '~fib', 'app.js', 'interpreted'],
  ['v8js', 'fib', 'app.js', 'managed'],
  ['v8js', 'RegExp:a+b', '', 'managed'],
  ['dotnet', '[stub: prestub]', '', 'stub'],
  ['dotnet', 'System.String.Concat', '', 'managed'],
] as const) {
  test(`classifyFrame takes ${type || 'untyped'} ${JSON.stringify(name)} ${file} for ${frameClass}`, () => {
    assert.equal(classifyFrame({ type, name, file }), frameClass);
  });
}
