import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyAction } from '../../../src/identity/resource/resource-actions.ts';
import { resourceType } from '../../../src/identity/resource/resource-config.ts';
import { ResourceDraft } from '../../../src/identity/resource-draft.ts';
import type { AnyValue } from '../../../src/otlp/profiles-data.ts';
import { readProcessor } from '../processor-config.ts';

const given: Record<string, AnyValue> = { a: 'x', n: 7n, path: '/app/shop/12', secret: 'token', 'secret.2': true };

function edited(action: string): Record<string, AnyValue> {
  const { config, faults } = readProcessor(resourceType, `{attributes: [${action}]}`);
  assert.deepEqual(faults, []);
  const draft = new ResourceDraft(
    Object.entries(given).map(([key, value]) => ({ key, value })),
    { isServiceOnSamples: false },
  );
  for (const each of config.actions) applyAction(each, draft);
  return Object.fromEntries(draft.finish().map(({ key, value }) => [key, value]));
}

for (const { action, changes = {}, gone = [] } of [
  { action: '{key: b, value: y, action: insert}', changes: { b: 'y' } },
  { action: '{key: a, value: y, action: insert}' },
  { action: '{key: a, value: y, action: UPDATE}', changes: { a: 'y' } },
  { action: '{key: b, value: y, action: update}' },
  { action: '{key: a, value: 1.5, action: upsert}', changes: { a: 1.5 } },
  { action: '{key: b, value: 3, action: upsert}', changes: { b: 3n } },
  { action: '{key: b, value: true, action: upsert}', changes: { b: true } },
  { action: '{key: b, from_attribute: a, action: insert}', changes: { b: 'x' } },
  { action: '{key: b, from_attribute: none, action: insert}' },
  { action: '{key: b, from_attribute: none, default_value: z, action: insert}', changes: { b: 'z' } },
  { action: '{key: a, action: delete}', gone: ['a'] },
  { action: '{key: a, pattern: "^secret", action: delete}', gone: ['a', 'secret', 'secret.2'] },
  // printf x | sha256sum; of 7 in eight bytes, the lowest first.
  {
    action: '{key: a, action: hash}',
    changes: { a: '2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881' },
  },
  {
    action: '{key: n, action: hash}',
    changes: { n: 'aae89fc0f03e2959ae4d701a80cc3915918c950b159f6abb6c92c1433b1a8534' },
  },
  {
    action: '{key: path, pattern: "^/app/(?P<app>[a-z]+)/(?P<slot>\\\\d+)$", action: extract}',
    changes: { app: 'shop', slot: '12' },
  },
  { action: '{key: a, pattern: "^(?P<b>y)$", action: extract}' },
  { action: '{key: n, converted_type: string, action: convert}', changes: { n: '7' } },
  { action: '{key: n, converted_type: double, action: convert}', changes: { n: 7 } },
  { action: '{key: a, converted_type: int, action: convert}' },
  { action: '{key: secret.2, converted_type: int, action: convert}', changes: { 'secret.2': 1n } },
]) {
  test(`the action ${action} does as the Collector's`, () => {
    const expected = Object.entries({ ...given, ...changes }).filter(([key]) => !gone.includes(key));
    assert.deepEqual(edited(action), Object.fromEntries(expected));
  });
}

test('attributes without a change stay the same list', () => {
  const attributes = [{ key: 'a', value: 'x' }];
  const draft = new ResourceDraft(attributes, { isServiceOnSamples: false });
  applyAction({ kind: 'upsert', key: 'a', fromAttribute: '', value: 'x' }, draft);
  applyAction({ kind: 'delete', key: 'b', pattern: undefined }, draft);
  assert.equal(draft.finish(), attributes);
});

for (const { yaml, faults } of [
  { yaml: '{}', faults: ['p.attributes: is empty; write at least one action.'] },
  { yaml: '{attributes: [{key: a, value: x}]}', faults: [/attributes\[0\]\.action: is missing/] },
  { yaml: '{attributes: [{value: x, action: insert}]}', faults: [/key: is missing; name the attribute\./] },
  { yaml: '{attributes: [{action: delete}]}', faults: [/key: is missing; name the attribute, or write a pattern/] },
  { yaml: '{attributes: [{key: a, action: insert}]}', faults: [/value: is missing; write value, from_attribute/] },
  {
    yaml: '{attributes: [{key: a, value: x, from_attribute: b, action: insert}]}',
    faults: [/value: and from_attribute are both there; keep one/],
  },
  { yaml: '{attributes: [{key: a, value: x, action: delete}]}', faults: [/value: has no part in the action "delete"/] },
  { yaml: '{attributes: [{key: a, pattern: "(", action: hash}]}', faults: [/"\(" is no expression.*missing "\)"/] },
  { yaml: '{attributes: [{key: a, pattern: "(?=b)", action: hash}]}', faults: [/there are no lookarounds/] },
  {
    yaml: '{attributes: [{key: a, pattern: "(b)", action: extract}]}',
    faults: [/has a group without a name, or none/],
  },
  { yaml: '{attributes: [{key: a, action: convert}]}', faults: [/converted_type: is missing; write int/] },
  {
    yaml: '{attributes: [{key: a, from_context: x, action: insert}]}',
    faults: [/from_context: is not known here/, /value: is missing/],
  },
  { yaml: '{attributes: [{key: a, value: [x], action: insert}]}', faults: [/a list is not a single value/, /missing/] },
]) {
  test(`the configuration ${yaml} is refused with its remedy`, () => {
    const found = readProcessor(resourceType, yaml).faults;
    assert.equal(found.length, faults.length, found.join('\n'));
    for (const [index, fault] of faults.entries()) assert.match(found[index]!, new RegExp(fault));
  });
}
