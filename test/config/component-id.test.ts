import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseComponentId } from '../../src/config/component-id.ts';

for (const [text, id, type, name] of [
  ['otlp', 'otlp', 'otlp', ''],
  ['otlp_grpc/backend', 'otlp_grpc/backend', 'otlp_grpc', 'backend'],
  [' otlp ', 'otlp', 'otlp', ''],
  [' otlp / backend ', 'otlp/backend', 'otlp', 'backend'],
  ['otlp/a/b', 'otlp/a/b', 'otlp', 'a/b'],
  ['otlp/1.2-3_x', 'otlp/1.2-3_x', 'otlp', '1.2-3_x'],
  ['otlp/größe', 'otlp/größe', 'otlp', 'größe'],
  [`x${'y'.repeat(62)}`, `x${'y'.repeat(62)}`, `x${'y'.repeat(62)}`, ''],
  [`x/${'n'.repeat(1024)}`, `x/${'n'.repeat(1024)}`, 'x', 'n'.repeat(1024)],
] as const) {
  test(`parseComponentId takes "${text.slice(0, 40)}"`, () => {
    assert.deepEqual(parseComponentId(text), { id, type, name });
  });
}

for (const [text, fault] of [
  ['', 'id must not be empty'],
  ['  ', 'id must not be empty'],
  ['/', 'in "/" id: the part before / should not be empty'],
  ['/x', 'in "/x" id: the part before / should not be empty'],
  ['otlp/', 'in "otlp/" id: the part after / should not be empty'],
  ['otlp/ ', 'in "otlp/ " id: the part after / should not be empty'],
  ['1otlp', 'in "1otlp" id: invalid character(s) in type "1otlp"'],
  ['otlp-grpc', 'in "otlp-grpc" id: invalid character(s) in type "otlp-grpc"'],
  ['ot lp', 'in "ot lp" id: invalid character(s) in type "ot lp"'],
  ['_otlp', 'in "_otlp" id: invalid character(s) in type "_otlp"'],
  ['x'.repeat(64), `in "${'x'.repeat(64)}" id: invalid character(s) in type "${'x'.repeat(64)}"`],
  ['otlp/a b', 'in "otlp/a b" id: invalid character(s) in name "a b"'],
  ['otlp/a\tb', 'in "otlp/a\tb" id: invalid character(s) in name "a\tb"'],
  ['otlp/€', 'in "otlp/€" id: invalid character(s) in name "€"'],
  [`x/${'n'.repeat(1025)}`, `in "x/${'n'.repeat(1025)}" id: invalid character(s) in name "${'n'.repeat(1025)}"`],
] as const) {
  test(`parseComponentId refuses ${JSON.stringify(text.slice(0, 40))}`, () =>
    assert.equal(parseComponentId(text), fault));
}
