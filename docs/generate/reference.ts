import type { ComponentKind, ComponentType } from '../../src/config/component-type.ts';
import type { ConfigKey, ConfigTable, KeyForm } from '../../src/config/config-table.ts';
import { formatDurationMs } from '../../src/config/duration.ts';

const introduction = `# Configuration

\`npm run docs\` writes this page from the tables that read the configuration. \`otel-config.schema.json\` beside it is the
same for editors: \`# yaml-language-server: $schema=…/docs/otel-config.schema.json\` at the top of a file.

The grammar is the OpenTelemetry Collector's. A component is \`type\` or \`type/name\` under \`receivers\`, \`processors\`,
\`exporters\` or \`extensions\`, and starts where \`service\` refers to it. \`\${env:NAME}\`, \`\${env:NAME:-default}\`,
\`\${file:PATH}\` and \`\${yaml:TEXT}\` stand for their values, \`$$\` for \`$\`. Several \`--config\` are merged from left to
right, and \`--set a.b.c=VALUE\` comes last. Durations are Go's: \`1.5s\`, \`2h45m\`, \`300ms\`. Bounds are inclusive. A key
without a value has its default. Unknown keys are refused; keys of the Collector without effect here are warnings.

`;

const headings: Record<ComponentKind, string> = {
  receiver: 'Receivers',
  processor: 'Processors',
  exporter: 'Exporters',
  extension: 'Extensions',
};

/** The reference of all keys as Markdown. */
export function formatReference(types: readonly ComponentType[], service: ConfigTable<unknown>): string {
  const shared = new Map<string, ConfigTable<unknown>>();
  const components = (Object.keys(headings) as ComponentKind[]).map((kind) => {
    const own = types.filter((type) => type.kind === kind);
    return `## ${headings[kind]}\n\n${own.map((type) => formatComponent(type, shared)).join('\n')}`;
  });
  const parts = [...components, `## Service\n\n${formatTable(service, shared)}`];
  // Grows while it is read: a shared section may name another one.
  const sections: string[] = [];
  for (const [title, table] of shared) sections.push(`### ${title}\n\n${formatTable(table, shared)}`);
  parts.push(`## Sections that stand in several places\n\n${sections.sort().join('\n')}`);
  return `${introduction}${parts.join('\n')}`;
}

function formatComponent({ type, aliases, table }: ComponentType, shared: Map<string, ConfigTable<unknown>>): string {
  const older = aliases.length === 0 ? '' : `Older name: ${aliases.map((alias) => `\`${alias}\``).join(', ')}.\n\n`;
  return `### \`${type}\`\n\n${older}${formatTable(table, shared)}`;
}

function formatTable(table: ConfigTable<unknown>, shared: Map<string, ConfigTable<unknown>>): string {
  const source = table.source === '' ? '' : ` [As in the Collector](${table.source}).`;
  const rows = rowsOf(table, '', shared).map((cells) => `| ${cells.map(escapeCell).join(' | ')} |\n`);
  return `${table.about}${source}\n\n| key | value | default | meaning |\n|---|---|---|---|\n${rows.join('')}`;
}

/** The rows of a table and of the untitled sections below it. */
function rowsOf(
  { keys, ignored }: ConfigTable<unknown>,
  prefix: string,
  shared: Map<string, ConfigTable<unknown>>,
): readonly (readonly string[])[] {
  const rows = keys.flatMap((key) => {
    const { form } = key;
    const path = `${prefix}${key.key}`;
    if (!('table' in form)) return [rowOf(key, path)];
    const { title } = form.table;
    if (title !== undefined) {
      shared.set(title, form.table);
      const link = `[${title}](#${anchorOf(title)})`;
      return [[`\`${path}\``, link, presenceOf(form), key.meaning]];
    }
    const below =
      form.kind === 'sections'
        ? `${path}[].`
        : form.kind === 'named sections'
          ? `${path}.${form.type}[/name].`
          : `${path}.`;
    return [[`\`${path}\``, 'section', presenceOf(form), key.meaning], ...rowsOf(form.table, below, shared)];
  });
  const without = Object.keys(ignored).map((key) => `\`${prefix}${key}\``);
  return without.length === 0
    ? rows
    : [...rows, [without.join(', '), '', '', 'Keys of the Collector without effect here.']];
}

function rowOf({ form, meaning }: ConfigKey<unknown>, path: string): readonly string[] {
  return [`\`${path}\``, describeForm(form), defaultOf(form), meaning];
}

function presenceOf(form: Extract<KeyForm, { readonly table: ConfigTable<unknown> }>): string {
  if (form.kind === 'section') return form.isSwitch ? 'off; on where the section is there' : '';
  return form.kind === 'sections' ? 'none' : 'required';
}

function describeForm(form: KeyForm): string {
  switch (form.kind) {
    case 'integer':
    case 'number':
    case 'milliseconds':
      return `${form.kind}${rangeOf(form, String)}`;
    case 'duration':
      return `${form.kind}${rangeOf(form, formatDurationMs)}`;
    case 'choice':
      return form.choices!.map((choice) => `\`${choice}\``).join(', ');
    case 'list':
      return form.choices === undefined
        ? 'list'
        : `list of ${form.choices.map((each) => `\`${each || '""'}\``).join(', ')}`;
    case 'required text':
      return 'text';
    case 'sections':
      return form.textKey === undefined ? form.kind : 'sections or texts';
    case 'map':
      return 'texts by name';
    case 'secret map':
      return 'secret texts by name';
    default:
      return form.kind;
  }
}

function rangeOf(
  { min, max }: { readonly min?: number; readonly max?: number },
  format: (value: number) => string,
): string {
  if (min !== undefined && max !== undefined) return `, ${format(min)} to ${format(max)}`;
  if (min !== undefined) return `, at least ${format(min)}`;
  return max === undefined ? '' : `, at most ${format(max)}`;
}

function defaultOf(form: KeyForm): string {
  switch (form.kind) {
    case 'boolean':
    case 'integer':
    case 'number':
    case 'milliseconds':
      return `\`${form.fallback}\``;
    case 'duration':
      return `\`${formatDurationMs(form.fallback)}\``;
    case 'text':
    case 'choice':
      return form.fallback === '' ? '' : `\`${form.fallback}\``;
    case 'list':
      return form.fallback.length === 0
        ? ''
        : form.fallback.length === form.choices?.length
          ? 'all'
          : form.fallback.join(', ');
    case 'required text':
      return 'required';
    default:
      return '';
  }
}

/** As GitHub makes anchors of headings. */
function anchorOf(title: string): string {
  return title
    .toLowerCase()
    .replaceAll(/[^\w -]/g, '')
    .replaceAll(' ', '-');
}

function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|');
}
