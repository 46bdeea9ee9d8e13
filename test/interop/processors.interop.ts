import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { stringify } from 'yaml';
import { filterType } from '../../src/identity/filter/filter-config.ts';
import { createFilterRule } from '../../src/identity/filter/filter-rule.ts';
import { applyAction } from '../../src/identity/resource/resource-actions.ts';
import { resourceType } from '../../src/identity/resource/resource-config.ts';
import { ResourceDraft } from '../../src/identity/resource-draft.ts';
import type { AnyValue } from '../../src/otlp/profiles-data.ts';
import { decodeProfilesData } from '../../src/otlp/protobuf/decode-profiles-data.ts';
import { encodeProfilesData } from '../../src/otlp/protobuf/encode-profiles-data.ts';
import { readProcessor } from '../identity/processor-config.ts';
import { goodProfiles } from '../otlp/good-profiles.ts';
import { locatePeers } from './peers.ts';

type Attributes = Readonly<Record<string, AnyValue>>;
type Outcome = Attributes | 'dropped' | 'refused';

const given: Attributes = {
  'k8s.namespace.name': 'shop',
  'process.executable.path': '/usr/bin/java',
  'process.pid': 42n,
  'cpu.share': 0.5,
  debug: true,
  list: ['x', 7n],
  empty: '',
  secret: 'token',
  'secret.2': 'other',
  digits: '12',
};

/** What the Collector's processors make of the given resource. */
function collectorOutcomes(type: string, configs: readonly string[]): readonly Outcome[] {
  const data = goodProfiles();
  data.resourceProfiles[0]!.resource.attributes = listOf(given) as never;
  const request = Buffer.from(encodeProfilesData(data)).toString('base64');
  const cases = configs.map((config) => ({ type, config, request }));
  const input = JSON.stringify(cases);
  const { status, stdout, stderr } = spawnSync(locatePeers().processors, { input, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  const outcomes = JSON.parse(stdout) as readonly { readonly request: string | null; readonly error?: string }[];
  return outcomes.map(({ request, error }): Outcome => {
    if (error !== undefined) return 'refused';
    if (request === null) return 'dropped';
    const [resource] = decodeProfilesData(Buffer.from(request, 'base64')).resourceProfiles;
    return sorted(resource!.resource.attributes);
  });
}

function listOf(attributes: Attributes): { readonly key: string; readonly value: AnyValue }[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value }));
}

function sorted(attributes: readonly { readonly key: string; readonly value: AnyValue }[]): Attributes {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [key, value] as const).sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

function ourFilter(config: string): Outcome {
  const { config: read, faults } = readProcessor(filterType, config);
  if (faults.length > 0) return 'refused';
  const draft = new ResourceDraft(listOf(given), { isServiceOnSamples: false });
  return createFilterRule('filter', read, () => 0).apply(draft) ? sorted(draft.finish()) : 'dropped';
}

function ourResource(config: string): Outcome {
  const { config: read, faults } = readProcessor(resourceType, config);
  if (faults.length > 0) return 'refused';
  const draft = new ResourceDraft(listOf(given), { isServiceOnSamples: false });
  for (const action of read.actions) applyAction(action, draft);
  return sorted(draft.finish());
}

const of = (name: string): string => `resource.attributes["${name}"]`;

/** Conditions that both read, and of which both must say the same. */
const conditions = [
  ...['==', '!=', '<', '<=', '>', '>='].flatMap((sign) => [
    `${of('k8s.namespace.name')} ${sign} "shop"`,
    `${of('k8s.namespace.name')} ${sign} "a"`,
    `"z" ${sign} ${of('k8s.namespace.name')}`,
    `${of('process.pid')} ${sign} 42`,
    `${of('process.pid')} ${sign} 41.5`,
    `${of('process.pid')} ${sign} "42"`,
    `${of('cpu.share')} ${sign} 1`,
    `${of('cpu.share')} ${sign} 0.5`,
    `${of('debug')} ${sign} true`,
    `${of('debug')} ${sign} false`,
    `${of('debug')} ${sign} 1`,
    `${of('none')} ${sign} nil`,
    `${of('none')} ${sign} "x"`,
    `${of('none')} ${sign} 3`,
    `${of('empty')} ${sign} nil`,
    `${of('empty')} ${sign} ""`,
    `${of('list')} ${sign} nil`,
    `${of('list')} ${sign} "x"`,
    `${of('process.pid')} ${sign} ${of('cpu.share')}`,
    `(3 ${sign} 4) and ${of('debug')} == true`,
    `(true ${sign} false) and ${of('debug')} == true`,
    `(nil ${sign} nil) and ${of('debug')} == true`,
    `${of('list')} ${sign} ${of('list')}`,
  ]),
  `IsMatch(${of('process.executable.path')}, "^/usr/(bin|sbin)/")`,
  `IsMatch(${of('process.executable.path')}, "bin$")`,
  `IsMatch(${of('process.pid')}, "^4")`,
  `IsMatch(${of('debug')}, "true")`,
  `IsMatch(${of('cpu.share')}, "^0\\\\.5$")`,
  `IsMatch(${of('cpu.share')}, "^0\\.5$")`,
  `IsMatch(${of('list')}, "^\\["x",7\\]$")`,
  `IsMatch(${of('none')}, ".*")`,
  `IsMatch(${of('list')}, "x")`,
  `IsMatch(${of('empty')}, "^$")`,
  `not IsMatch(${of('process.pid')}, "^5") and ${of('debug')} == true`,
  `not (${of('debug')} == true or ${of('none')} != nil)`,
  `${of('debug')} == false or ${of('debug')} == true and ${of('none')} != nil`,
  `(${of('debug')} == false or ${of('debug')} == true) and ${of('none')} == nil`,
  `${of('debug')} == true and true`,
  `${of('debug')} == true and not true`,
  `false or ${of('debug')} == true`,
  `${of('k8s.namespace.name')} == "sh\\x6fp"`,
  `${of('k8s.namespace.name')} == "a\\"b"`,
  `${of('process.pid')} == -42`,
  `${of('process.pid')} == +42`,
  `${of('cpu.share')} == .5`,
  `"${'a'.repeat(3)}"`,
  of('debug'),
  `${of('debug')} === true`,
  `attributes["debug"] == true`,
  `IsMatch(${of('process.pid')}, "(")`,
];

/** Conditions of the Collector's that are more than comparisons: refused here, with what can be written. */
const refusedHere = new Set([
  'profile.duration_unix_nano > 3',
  'profile.sample_type.type == "samples"',
  'scope.name == "x"',
  `HasPrefix(${of('k8s.namespace.name')}, "s")`,
  `Concat([${of('k8s.namespace.name')}, "x"], "-") == "shop-x"`,
  `${of('process.pid')} + 1 == 43`,
  `${of('list')}[0] == "x"`,
  `Len(${of('list')}) == 2`,
  `${of('process.pid')} == 0x2A`,
]);

test("conditions of the Collector's filter that are read here hold for the same resources", (t) => {
  const all = [...conditions, ...refusedHere];
  const configs = all.map((condition) => stringify({ profile_conditions: [condition] }));
  const theirs = collectorOutcomes('filter', configs);
  const different: string[] = [];
  for (const [index, condition] of all.entries()) {
    const [own, their] = [ourFilter(configs[index]!), theirs[index]!];
    const expected = refusedHere.has(condition) ? 'refused' : their;
    if (refusedHere.has(condition)) assert.notEqual(their, 'refused', `${condition} is none of the Collector's`);
    const isSame = typeof own === 'string' ? own === expected : typeof expected === 'object';
    if (!isSame) different.push(`${condition}: ${outcomeName(own)}, the Collector ${outcomeName(their)}`);
  }
  t.diagnostic(`${conditions.length} conditions, ${refusedHere.size} refused here`);
  assert.deepEqual(different, []);
});

function outcomeName(outcome: Outcome): string {
  return typeof outcome === 'string' ? outcome : 'kept';
}

test('every form of the configuration of conditions means the same in the Collector', () => {
  const holds = `${of('debug')} == true`;
  const bare = 'attributes["debug"] == true';
  const configs = [
    { profile_conditions: [holds] },
    { profile_conditions: [`${of('debug')} == false`, holds] },
    { profile_conditions: [{ context: 'resource', conditions: ['true'] }] },
    { profile_conditions: [{ context: 'resource', conditions: [bare] }] },
    { profile_conditions: [{ context: 'RESOURCE', conditions: [holds], error_mode: 'silent' }] },
    { profile_conditions: [{ context: 'profile', conditions: [holds] }] },
    { profile_conditions: [{ context: 'scope', conditions: [holds] }] },
    { profile_conditions: [{ conditions: [holds] }] },
    { profile_conditions: [{ context: 'spans', conditions: [holds] }] },
    { profiles: { resource: [bare] } },
    { profiles: { resource: [holds] } },
    { profiles: { profile: [holds] } },
    { error_mode: 'propagate', profiles: { profile: ['false'] } },
    { error_mode: 'ignore', profile_conditions: [holds] },
    { error_mode: 'silent', profile_conditions: [holds] },
    { profiles: { resource: [bare] }, profile_conditions: [holds] },
  ].map((config) => stringify(config));
  assert.deepEqual(configs.map(ourFilter), collectorOutcomes('filter', configs));
});

const actions = [
  '{key: b, value: y, action: insert}',
  '{key: debug, value: y, action: insert}',
  '{key: debug, value: y, action: update}',
  '{key: b, value: y, action: update}',
  '{key: debug, value: 1.5, action: upsert}',
  '{key: b, value: 3, action: upsert}',
  '{key: b, value: true, action: upsert}',
  '{key: b, value: "3", action: UPSERT}',
  '{key: b, value: "", action: upsert}',
  '{key: b, from_attribute: list, action: insert}',
  '{key: b, from_attribute: none, action: insert}',
  '{key: b, from_attribute: none, default_value: z, action: insert}',
  '{key: b, default_value: z, action: insert}',
  '{key: debug, from_attribute: empty, action: update}',
  '{key: debug, action: delete}',
  '{key: debug, pattern: "^secret", action: delete}',
  '{pattern: "secret", action: delete}',
  ...['secret', 'process.pid', 'cpu.share', 'debug', 'list', 'empty', 'none'].map(
    (key) => `{key: ${key}, action: hash}`,
  ),
  '{pattern: "^secret", action: hash}',
  '{key: process.executable.path, pattern: "^/usr/(?P<folder>[a-z]+)/(?P<debug>.*)$", action: extract}',
  '{key: process.pid, pattern: "^(?P<first>.)", action: extract}',
  '{key: process.executable.path, pattern: "^(?P<none>x)", action: extract}',
  '{key: process.executable.path, pattern: "(.*)", action: extract}',
  ...['digits', 'secret', 'process.pid', 'cpu.share', 'debug', 'list', 'empty', 'none'].flatMap((key) =>
    ['int', 'double', 'string', 'bool'].map((type) => `{key: ${key}, converted_type: ${type}, action: convert}`),
  ),
  '{key: b, value: x}',
  '{value: x, action: insert}',
  '{action: delete}',
  '{key: b, action: insert}',
  '{key: b, value: x, from_attribute: debug, action: insert}',
  '{key: debug, value: x, action: delete}',
  '{key: debug, pattern: "(", action: hash}',
  '{key: debug, action: convert}',
  '{key: debug, action: rename}',
];

test("actions of the Collector's resource processor leave the same attributes", () => {
  const configs = actions.map((action) => `{attributes: [${action}]}`);
  const theirs = collectorOutcomes('resource', configs);
  const different = actions.flatMap((action, index) => {
    const own = ourResource(configs[index]!);
    try {
      assert.deepEqual(own, theirs[index]);
      return [];
    } catch {
      return [`${action}: ${changesOf(own)}, the Collector ${changesOf(theirs[index]!)}`];
    }
  });
  assert.deepEqual(different, []);
});

/** Attributes that are not as given, for messages. */
function changesOf(outcome: Outcome): string {
  if (typeof outcome === 'string') return outcome;
  const keys = new Set([...Object.keys(outcome), ...Object.keys(given)]);
  const changed = [...keys].filter(
    (key) => String(outcome[key]) !== String(given[key]) || typeof outcome[key] !== typeof given[key],
  );
  return JSON.stringify(
    Object.fromEntries(changed.map((key) => [key, `${String(outcome[key])} (${typeof outcome[key]})`])),
  );
}
