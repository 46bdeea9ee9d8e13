import assert from 'node:assert/strict';
import { test } from 'node:test';
import { frameKinds } from '../../../src/model/frame-kind.ts';
import { parseRuntimeName, runtimeKind } from '../../../src/native/tables/runtime-names.ts';

for (const { name, functionName, stubKind } of [
  {
    name: 'void java.lang.System.arraycopy(java.lang.Object, int, java.lang.Object, int, int)',
    functionName: 'java.lang.System.arraycopy',
    stubKind: 'jit',
  },
  { name: 'void java.lang.Object.<init>()', functionName: 'java.lang.Object.<init>', stubKind: 'jit' },
  { name: 'int Work$Node.lambda$main$0(int[])', functionName: 'Work$Node.lambda$main$0', stubKind: 'jit' },
  { name: 'Interpreter', functionName: 'Interpreter', stubKind: 'interpreter' },
  { name: 'StubRoutines (1)', functionName: 'StubRoutines (1)', stubKind: 'stub' },
  { name: 'I2C/C2I adapters', functionName: 'I2C/C2I adapters', stubKind: 'stub' },
]) {
  test(`parseRuntimeName reads HotSpot's "${name}"`, () => {
    const parsed = parseRuntimeName(name, frameKinds.jvm);
    assert.deepEqual([parsed.functionName, parsed.stubKind], [functionName, stubKind]);
    assert.equal(parsed.systemName, functionName === name ? '' : name);
  });
}

for (const { name, functionName, file, line, stubKind, tier } of [
  { name: 'JS:*fib /srv/app/work.js:5:13', functionName: 'fib', file: '/srv/app/work.js', line: 5, tier: 'turbofan' },
  {
    name: 'JS:^get size node:internal/util:598:30',
    functionName: 'get size',
    file: 'node:internal/util',
    line: 598,
    tier: 'sparkplug',
  },
  { name: 'JS:+walk file:///a b/w.mjs:6:14', functionName: 'walk', file: 'file:///a b/w.mjs', line: 6, tier: 'maglev' },
  { name: 'LazyCompile:*old /x.js:12', functionName: 'old', file: '/x.js', line: 12, tier: 'turbofan' },
  { name: 'LazyCompile:~new /x.js:12:34', functionName: 'new', file: '/x.js', line: 12, tier: 'ignition' },
  { name: 'JS:~ /x.js:11:54', functionName: '(anonymous)', file: '/x.js', line: 11, tier: 'ignition' },
  { name: 'JS:~ :1:20', functionName: '(anonymous)', file: '', line: 1, tier: 'ignition' },
  {
    name: 'JS:*f evalmachine.<anonymous>:3:1',
    functionName: 'f',
    file: 'evalmachine.<anonymous>',
    line: 3,
    tier: 'turbofan',
  },
  { name: "JS:*'fib /srv/app/work.js:2:13", functionName: 'fib', file: '/srv/app/work.js', line: 2, tier: 'turbofan' },
  { name: "JS:+'fib /srv/app/work.js:2:13", functionName: 'fib', file: '/srv/app/work.js', line: 2, tier: 'maglev' },
  { name: "JS:+' /srv/re.js:8:35", functionName: '(anonymous)', file: '/srv/re.js', line: 8, tier: 'maglev' },
  {
    name: 'Eval:~ node:internal/main/run:1:1',
    functionName: '(anonymous)',
    file: 'node:internal/main/run',
    line: 1,
    tier: 'ignition',
  },
  { name: 'JS:~C:\\a C:\\b c\\d.js:3:1', functionName: 'C:\\a', file: 'C:\\b c\\d.js', line: 3, tier: 'ignition' },
  { name: 'JS:*nowhere', functionName: 'nowhere', file: '', line: 0, tier: 'turbofan' },
  {
    name: "RegExp.> src: '^ ([a-z]+) (\\d+)$' flags: ''",
    functionName: "RegExp.> src: '^ ([a-z]+) (\\d+)$' flags: ''",
    file: '',
    line: 0,
    tier: '',
  },
  { name: 'Builtin:ArrayTimSort', functionName: 'Builtin:ArrayTimSort', file: '', line: 0, tier: '', stubKind: 'stub' },
  { name: 'BytecodeHandler:Ldar', functionName: 'BytecodeHandler:Ldar', file: '', line: 0, tier: '', stubKind: 'stub' },
]) {
  test(`parseRuntimeName reads V8's "${name}"`, () => {
    const parsed = parseRuntimeName(name, frameKinds.v8js);
    const expectedKind = stubKind ?? (tier === 'ignition' ? 'interpreter' : 'jit');
    assert.deepEqual(
      [parsed.functionName, parsed.file, parsed.line, parsed.tier, parsed.stubKind],
      [functionName, file, line, tier, expectedKind],
    );
  });
}

test("parseRuntimeName reads CPython's trampolines", () => {
  const parsed = parseRuntimeName('py::Node.walk:/srv/app/work.py', frameKinds.cpython);
  assert.deepEqual([parsed.functionName, parsed.file], ['Node.walk', '/srv/app/work.py']);
});

test('runtimeKind knows a runtime by its library, else by its names', () => {
  assert.equal(runtimeKind(['/usr/lib/jvm/lib/server/libjvm.so'], []), frameKinds.jvm);
  assert.equal(runtimeKind(['/usr/bin/node'], ['Builtin:Abort']), frameKinds.v8js);
  assert.equal(runtimeKind(['/usr/bin/python3.12'], ['py::f:/x.py']), frameKinds.cpython);
  assert.equal(runtimeKind(['/usr/bin/node'], []), frameKinds.v8js);
  assert.equal(runtimeKind([], ["RegExp.> src: 'a' flags: ''"]), frameKinds.v8js);
  assert.equal(runtimeKind(['/usr/bin/julia'], ['julia_f_12']), frameKinds.native);
});

for (const [kind, name] of [
  [frameKinds.jvm, `${'a.'.repeat(50_000)} (`],
  [frameKinds.jvm, `x ${'(a.b'.repeat(50_000)})`],
  [frameKinds.v8js, `JS:*${' a'.repeat(50_000)}`],
  [frameKinds.v8js, `JS:*${' a:'.repeat(50_000)}:1:1:`],
  [frameKinds.cpython, `py::${':<'.repeat(50_000)}`],
] as const) {
  test(`parseRuntimeName takes a long name like "${name.slice(0, 12)}" apart in linear time`, () => {
    const startedMs = performance.now();
    for (let run = 0; run < 10; run++) parseRuntimeName(name, kind);
    // Quadratic time would be minutes.
    assert.ok(performance.now() - startedMs < 5_000);
  });
}
