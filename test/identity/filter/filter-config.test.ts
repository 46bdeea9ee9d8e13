import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCondition } from '../../../src/identity/filter/conditions.ts';
import { filterType } from '../../../src/identity/filter/filter-config.ts';
import { createFilterRule } from '../../../src/identity/filter/filter-rule.ts';
import { ResourceDraft } from '../../../src/identity/resource-draft.ts';
import type { AnyValue } from '../../../src/otlp/profiles-data.ts';
import { readProcessor } from '../processor-config.ts';

const shop: Record<string, AnyValue> = {
  'k8s.namespace.name': 'shop',
  'process.executable.name': 'java',
  'process.executable.path': '/usr/bin/java',
  'process.pid': 42n,
  debug: true,
  list: ['x'],
};

function draftOf(attributes: Record<string, AnyValue>): ResourceDraft {
  return new ResourceDraft(
    Object.entries(attributes).map(([key, value]) => ({ key, value })),
    { isServiceOnSamples: false },
  );
}

for (const { condition, holds } of [
  { condition: 'resource.attributes["k8s.namespace.name"] == "shop"', holds: true },
  { condition: '"shop" == resource.attributes["k8s.namespace.name"]', holds: true },
  { condition: 'resource.attributes["k8s.namespace.name"] != "shop"', holds: false },
  { condition: 'resource.attributes["none"] == nil', holds: true },
  { condition: 'resource.attributes["process.pid"] != nil', holds: true },
  { condition: 'resource.attributes["process.pid"] == 42', holds: true },
  { condition: 'resource.attributes["process.pid"] == 42.0', holds: true },
  { condition: 'resource.attributes["process.pid"] == "42"', holds: false },
  { condition: 'resource.attributes["process.pid"] < 43 and resource.attributes["process.pid"] >= 42', holds: true },
  { condition: 'resource.attributes["none"] < 43', holds: false },
  { condition: 'resource.attributes["debug"] == true', holds: true },
  { condition: 'IsMatch(resource.attributes["process.executable.path"], "^/usr/(bin|sbin)/")', holds: true },
  { condition: 'IsMatch(resource.attributes["list"], "^\\\\[\\"x\\"\\\\]$")', holds: true },
  { condition: 'IsMatch(resource.attributes["none"], "")', holds: false },
  { condition: 'resource.attributes["debug"] > false and resource.attributes["none"] <= nil', holds: true },
  { condition: 'resource.attributes["process.pid"] == +42 and resource.attributes["process.pid"] > .5', holds: true },
  { condition: 'resource.attributes["k8s.namespace.name"] == "sh\\x6f\\160"', holds: true },
  { condition: 'true and not false', holds: true },
  { condition: 'not (resource.attributes["debug"] == false or resource.attributes["none"] != nil)', holds: true },
  { condition: 'resource.attributes["none"] != nil and false == true or "a\\"b" == "a\\"b"', holds: true },
]) {
  test(`the condition ${condition} is ${holds}`, () => {
    assert.equal(parseCondition(condition)(draftOf(shop)), holds);
  });
}

for (const { condition, fault } of [
  { condition: 'attributes["a"] == "b"', fault: '"attributes" at column 1 is not read here' },
  { condition: 'profile.duration > 3', fault: '"profile.duration" at column 1 is not read here' },
  { condition: 'resource.attributes["a"]', fault: 'it ends too early' },
  { condition: 'resource.attributes["a"] == Concat(["a"], "")', fault: '"Concat" at column 29 is not read here' },
  { condition: 'resource.attributes["a"] + 1 == 2', fault: '"+ 1 == 2" at column 26 is not read here' },
  {
    condition: 'IsMatch(resource.attributes["a"], "a\\.b")',
    fault: '"\\." is no escape; a backslash is written as \\\\',
  },
  { condition: 'resource.attributes["a"] == 0x2A', fault: '"0x2A" at column 29 is not read here' },
  { condition: 'IsMatch(resource.attributes["a"], "(?=b)")', fault: '"(?=" is not known; there are no lookarounds' },
  { condition: `${'('.repeat(60)}`, fault: 'it is nested too deeply' },
  { condition: `${'not '.repeat(60)}`, fault: 'it is nested too deeply' },
]) {
  test(`the condition ${condition.slice(0, 40)} is refused`, () => {
    assert.throws(() => parseCondition(condition), new SyntaxError(fault));
  });
}

/** `kept`, `dropped`, or the frame types of which stacks are kept. */
function outcomeOf(yaml: string, attributes: Record<string, AnyValue> = shop, chance = 0.5): unknown {
  const { config, faults } = readProcessor(filterType, yaml);
  assert.deepEqual(faults, []);
  const draft = draftOf(attributes);
  if (!createFilterRule('filter', config, () => chance).apply(draft)) return 'dropped';
  const { filters } = draft;
  if (filters === undefined) return 'kept';
  const stacks = ['kernel', 'kernel,jvm', 'jvm', 'native'];
  return stacks.filter((types) =>
    filters.every(
      ({ keepsStack, keepsObservation }) =>
        keepsStack?.(new Set(types.split(','))) !== false && keepsObservation?.() !== false,
    ),
  );
}

for (const { yaml, outcome, attributes } of [
  { yaml: '{exclude: {namespaces: [kube-system, shop]}}', outcome: 'dropped' },
  { yaml: '{exclude: {namespaces: [kube-system]}}', outcome: 'kept' },
  { yaml: '{include: {namespaces: [kube-system]}}', outcome: 'dropped' },
  { yaml: '{include: {process_names: [java], namespaces: [shop]}}', outcome: 'kept' },
  { yaml: '{include: {process_names: [java], namespaces: [other]}}', outcome: 'dropped' },
  { yaml: '{include: {namespaces: [shop]}, exclude: {executable_paths: [/usr/bin/java]}}', outcome: 'dropped' },
  { yaml: '{exclude: {match_type: regexp, executable_paths: ["^/usr/"]}}', outcome: 'dropped' },
  { yaml: '{exclude: {match_type: strict, executable_paths: ["^/usr/"]}}', outcome: 'kept' },
  { yaml: '{exclude: {resource_attributes: [{key: process.pid, value: 42}]}}', outcome: 'dropped' },
  { yaml: '{exclude: {resource_attributes: [{key: debug}, {key: none}]}}', outcome: 'kept' },
  { yaml: '{exclude: {frame_types: [jvm]}}', outcome: ['kernel', 'native'] },
  { yaml: '{include: {frame_types: [jvm, native]}}', outcome: ['kernel,jvm', 'jvm', 'native'] },
  { yaml: '{exclude: {frame_types: [jvm], namespaces: [other]}}', outcome: 'kept' },
  { yaml: '{exclude: {kernel_threads: true}}', outcome: 'kept' },
  { yaml: '{exclude: {kernel_threads: true}}', outcome: ['kernel,jvm', 'jvm', 'native'], attributes: {} },
  {
    yaml: '{exclude: {kernel_threads: true, frame_types: [jvm]}}',
    outcome: ['kernel', 'kernel,jvm', 'jvm', 'native'],
    attributes: {},
  },
  { yaml: '{exclude: {match_type: regexp, resource_attributes: [{key: list, value: x}]}}', outcome: 'kept' },
  { yaml: '{profile_conditions: [\'resource.attributes["debug"] == true\']}', outcome: 'dropped' },
  { yaml: '{error_mode: ignore, profiles: {resource: [\'attributes["debug"] == true\']}}', outcome: 'dropped' },
  {
    yaml: '{profile_conditions: [{context: resource, conditions: [\'attributes["debug"] == true\'], error_mode: silent}]}',
    outcome: 'dropped',
  },
  { yaml: '{profile_conditions: [{conditions: [\'resource.attributes["debug"] == true\']}]}', outcome: 'dropped' },
  { yaml: '{profile_conditions: [\'resource.attributes["debug"] == false\', "true"]}', outcome: 'dropped' },
  { yaml: '{profiles: {profile: [\'resource.attributes["debug"] == false\']}}', outcome: 'kept' },
  { yaml: '{sampling_percentage: 60}', outcome: ['kernel', 'kernel,jvm', 'jvm', 'native'] },
  { yaml: '{sampling_percentage: 40}', outcome: [] },
  { yaml: '{sampling_percentage: 0}', outcome: 'dropped' },
]) {
  test(`the filter ${yaml} leaves ${JSON.stringify(outcome)} of ${attributes === undefined ? 'a shop' : 'nobody'}`, () => {
    assert.deepEqual(outcomeOf(yaml, attributes), outcome);
  });
}

for (const { yaml, fault } of [
  { yaml: '{}', fault: /profile_conditions: is missing; write at least one of/ },
  {
    yaml: "{profile_conditions: [{context: span, conditions: ['true']}]}",
    fault: /profile_conditions\[0\]\.context: "span" is not known here; write one of resource, scope, profile/,
  },
  {
    yaml: '{profile_conditions: [{context: profile, conditions: [\'attributes["a"] == "b"\']}]}',
    fault: /"attributes" at column 1 is not read here; write resource\.attributes/,
  },
  { yaml: '{include: {}}', fault: /include\.resource_attributes: is missing; say which samples are meant/ },
  { yaml: '{exclude: {frame_types: [java]}}', fault: /frame_types\[0\]: "java" is not known; write one of beam/ },
  { yaml: '{exclude: {match_type: regexp, namespaces: ["["]}}', fault: /namespaces\[0\]: "\[" is no expression/ },
  {
    yaml: '{profile_conditions: ["true == true"], profiles: {resource: ["true == true"]}}',
    fault: /profiles: and profile_conditions are both there/,
  },
  {
    yaml: "{profile_conditions: ['profile.duration > 3']}",
    fault:
      /profile_conditions\[0\]\.conditions\[0\]: in "profile.duration > 3", "profile.duration" at column 1 is not read here; write resource\.attributes/,
  },
]) {
  test(`the filter ${yaml} is refused with what can be written`, () => {
    const { faults } = readProcessor(filterType, yaml);
    assert.equal(faults.length, 1, faults.join('\n'));
    assert.match(faults[0]!, fault);
  });
}
