import type { ProcessorType } from '../../config/component-type.ts';
import { choice, converted, scalar, sections, text } from '../../config/config-keys.ts';
import type { ConfigSection } from '../../config/config-section.ts';
import type { ConfigOf, ValuesOf } from '../../config/config-table.ts';
import { configTable } from '../../config/config-table.ts';
import type { AnyValue } from '../../otlp/profiles-data.ts';
import { readPattern } from '../read-pattern.ts';
import type { ResourceAction } from './resource-actions.ts';

const actions = ['insert', 'update', 'upsert', 'delete', 'hash', 'extract', 'convert'] as const;

/** The keys that each action takes beside `key` and `action`. */
const keysByAction: Readonly<Record<(typeof actions)[number], readonly string[]>> = {
  insert: ['value', 'from_attribute', 'default_value'],
  update: ['value', 'from_attribute', 'default_value'],
  upsert: ['value', 'from_attribute', 'default_value'],
  delete: ['pattern'],
  hash: ['pattern'],
  extract: ['pattern'],
  convert: ['converted_type'],
};

const actionKeys = {
  key: text('key', { fallback: '' }, 'Attribute that the action is about.'),
  action: choice(
    'action',
    { choices: actions, fallback: 'upsert', ignoreCase: true },
    '`insert` sets an absent attribute, `update` a present one, `upsert` either; `delete`; `hash` puts the SHA-256 in place of the value; ' +
      '`extract` sets an attribute for each named group of the pattern; `convert` changes the type.',
  ),
  value: scalar('value', 'Value to set.'),
  fromAttribute: text('from_attribute', { fallback: '' }, 'Attribute whose value is set.'),
  defaultValue: scalar('default_value', 'Value to set where `from_attribute` is absent.'),
  pattern: text(
    'pattern',
    { fallback: '' },
    'Expression in the language of RE2: over names of attributes for `delete` and `hash`, over the value for `extract`, with a name for each group.',
  ),
  convertedType: choice(
    'converted_type',
    { choices: ['int', 'double', 'string'], fallback: 'string' },
    'Type of the value after `convert`; a value that cannot be converted stays.',
  ),
};

const actionTable = configTable(
  {
    about: 'One action.',
    keys: actionKeys,
    refused: {
      from_context: [
        'is not known here: profiles carry no metadata of the request that brought them',
        'use from_attribute, or set the attribute where the sender is configured',
      ],
    },
    check: checkAction,
  },
  actionOf,
);

const table = configTable({
  about: 'Edits attributes of resources, in the order of the list.',
  source:
    'https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/processor/resourceprocessor#readme',
  keys: {
    actions: converted(
      sections('attributes', actionTable, 'Actions; at least one.'),
      (list, section): readonly ResourceAction[] => {
        if (list.length === 0) section.addProblem('attributes', 'is empty', 'write at least one action');
        return list.filter((action) => action !== undefined);
      },
    ),
  },
});

export type ResourceConfig = ConfigOf<typeof table>;

/** Processor `resource`. */
export const resourceType: ProcessorType<ResourceConfig> = {
  kind: 'processor',
  changesInPlace: () => true,
  type: 'resource',
  aliases: [],
  stability: 'alpha',
  table,
};

type ActionValues = ValuesOf<typeof actionKeys>;

function checkAction({ action, key, value, fromAttribute, pattern }: ActionValues, section: ConfigSection): void {
  const taken = keysByAction[action];
  for (const each of section.keys()) {
    const isOther = Object.values(keysByAction).some((keys) => keys.includes(each)) && !taken.includes(each);
    if (isOther) section.addProblem(each, `has no part in the action "${action}"`, 'remove it');
  }
  if (section.isEmpty('action')) section.addProblem('action', 'is missing', `write one of ${actions.join(', ')}`);
  const mayLackKey = (action === 'delete' || action === 'hash') && pattern !== '';
  if (key === '' && !mayLackKey) {
    const remedy = taken[0] === 'pattern' ? 'name the attribute, or write a pattern' : 'name the attribute';
    section.addProblem('key', 'is missing', remedy);
  }
  if (action === 'extract' && pattern === '') section.addProblem('pattern', 'is missing', 'write e.g. ^(?P<name>.*)$');
  if (action === 'convert' && section.isEmpty('converted_type')) {
    section.addProblem('converted_type', 'is missing', 'write int, double or string');
  }
  if (taken[0] !== 'value') return;
  if (value !== undefined && fromAttribute !== '') {
    section.addProblem('value', 'and from_attribute are both there', 'keep one of them');
  } else if (value === undefined && fromAttribute === '' && section.isEmpty('default_value')) {
    section.addProblem('value', 'is missing', 'write value, from_attribute or default_value');
  }
}

/** `undefined` after a fault. */
function actionOf(values: ActionValues, section: ConfigSection): ResourceAction | undefined {
  const { key, action: kind, value, fromAttribute, defaultValue } = values;
  switch (kind) {
    case 'insert':
    case 'update':
    case 'upsert':
      return { kind, key, fromAttribute, value: attributeValue(value ?? defaultValue) };
    case 'convert':
      return { kind, key, to: values.convertedType };
    case 'delete':
    case 'hash':
      return {
        kind,
        key,
        pattern: values.pattern === '' ? undefined : readPattern(section, 'pattern', values.pattern),
      };
    case 'extract': {
      const pattern = readPattern(section, 'pattern', values.pattern);
      if (pattern === undefined) return undefined;
      const nameless = pattern.groupNames.slice(1).includes(undefined);
      if (nameless || pattern.groupNames.length === 1) {
        section.addProblem('pattern', 'has a group without a name, or none', 'write groups as (?P<name>…)');
      }
      return { kind, key, pattern };
    }
  }
}

/** YAML's whole numbers are integers, as in the Collector. */
function attributeValue(value: string | number | boolean | undefined): AnyValue {
  return Number.isSafeInteger(value) ? BigInt(value as number) : value;
}
