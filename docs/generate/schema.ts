import type { ComponentKind, ComponentType } from '../../src/config/component-type.ts';
import type { ConfigKey, ConfigTable, KeyForm } from '../../src/config/config-table.ts';
import { formatDurationMs } from '../../src/config/duration.ts';

/** A JSON schema, draft 2020-12. */
type Schema = Readonly<Record<string, unknown>>;

type Definitions = Map<string, Schema>;

// A value that holds a reference can stand for anything.
const reference: Schema = { type: 'string', pattern: '\\$\\{' };
const duration: Schema = { type: 'string', pattern: '^([+-]?0|[+-]?((\\d+\\.?\\d*|\\.\\d+)(ns|us|µs|μs|ms|s|m|h))+)$' };

/** The JSON schema of a configuration, for editors. It knows the keys, not what only the service can check. */
export function configSchema(types: readonly ComponentType[], service: ConfigTable<unknown>): Schema {
  const definitions: Definitions = new Map([
    ['reference', reference],
    ['duration', duration],
  ]);
  const components = (kind: ComponentKind): Schema => {
    const own = types.filter((type) => type.kind === kind);
    const patterns = own.map(({ type, aliases, table }) => {
      const names = [type, ...aliases].join('|');
      return [`^(${names})(/.+)?$`, sectionOf(table, definitions)] as const;
    });
    return { type: ['object', 'null'], patternProperties: Object.fromEntries(patterns), additionalProperties: false };
  };
  const properties = {
    receivers: components('receiver'),
    processors: components('processor'),
    exporters: components('exporter'),
    extensions: components('extension'),
    service: sectionOf(service, definitions),
  };
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Configuration of Framekeeper',
    type: 'object',
    properties,
    required: ['receivers', 'exporters', 'service'],
    additionalProperties: false,
    $defs: Object.fromEntries(definitions),
  };
}

function sectionOf(table: ConfigTable<unknown>, definitions: Definitions, isSwitch = false): Schema {
  const { title } = table;
  if (title === undefined) return schemaOf(table, definitions, isSwitch);
  const name = isSwitch ? `${title}, if any` : title;
  if (!definitions.has(name)) definitions.set(name, schemaOf(table, definitions, isSwitch));
  return { $ref: `#/$defs/${encodeURIComponent(name)}` };
}

function schemaOf({ about, keys, ignored }: ConfigTable<unknown>, definitions: Definitions, isSwitch: boolean): Schema {
  const properties = keys.map((key) => [key.key, keySchema(key, definitions)] as const);
  const enabled = isSwitch ? [['enabled', orEmpty({ type: 'boolean' })] as const] : [];
  const withoutEffect = Object.keys(ignored).map(
    (key) => [key, { description: 'Without effect here.', deprecated: true }] as const,
  );
  const object = {
    type: ['object', 'null'],
    description: about,
    properties: Object.fromEntries([...enabled, ...properties, ...withoutEffect]),
    additionalProperties: false,
  };
  return { anyOf: [object, { $ref: '#/$defs/reference' }] };
}

function keySchema({ meaning, form }: ConfigKey<unknown>, definitions: Definitions): Schema {
  const schema = formSchema(form, definitions);
  const isFixed = 'fallback' in form && form.fallback !== undefined && form.fallback !== '';
  const fallback = form.kind === 'duration' ? formatDurationMs(form.fallback) : isFixed && form.fallback;
  return { description: meaning, ...(isFixed && { default: fallback }), ...schema };
}

function formSchema(form: KeyForm, definitions: Definitions): Schema {
  switch (form.kind) {
    case 'boolean':
      return orEmpty({ type: 'boolean' });
    case 'integer':
    case 'milliseconds':
      return orEmpty({ type: 'integer', ...boundsOf(form) });
    case 'number':
      return orEmpty({ type: 'number', ...boundsOf(form) });
    case 'duration':
      return orEmpty({ $ref: '#/$defs/duration' }, { type: 'integer', description: 'Nanoseconds.' });
    case 'text':
    case 'required text':
    case 'secret':
      return orEmpty({ type: 'string' });
    case 'value':
      return { type: ['string', 'number', 'boolean', 'null'] };
    case 'choice':
      return orEmpty({ enum: form.choices });
    case 'list':
    case 'secret list':
      return orEmpty({ type: 'array', items: { type: 'string' } }, { type: 'string' });
    case 'map':
    case 'secret map':
      return orEmpty({ type: ['object', 'array'] });
    case 'section':
      return sectionOf(form.table, definitions, form.isSwitch);
    case 'sections': {
      const items = sectionOf(form.table, definitions);
      return orEmpty({
        type: 'array',
        items: form.textKey === undefined ? items : { anyOf: [{ type: 'string' }, items] },
      });
    }
    case 'named sections': {
      const patternProperties = { [`^${form.type}(/.+)?$`]: sectionOf(form.table, definitions) };
      return { type: ['object', 'null'], patternProperties, additionalProperties: false };
    }
  }
}

/** One of some forms, or a reference, or nothing. */
function orEmpty(...forms: readonly Schema[]): Schema {
  return { anyOf: [...forms, { $ref: '#/$defs/reference' }, { type: 'null' }] };
}

function boundsOf({ min, max }: { readonly min?: number; readonly max?: number }): Schema {
  return { ...(min !== undefined && { minimum: min }), ...(max !== undefined && { maximum: max }) };
}
