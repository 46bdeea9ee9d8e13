import { substituteFor } from './collector-parts.ts';
import { parseComponentId } from './component-id.ts';
import type { ComponentKind, ComponentType } from './component-type.ts';
import type { ConfigDocument } from './config-document.ts';
import type { ConfigProblem } from './config-error.ts';
import { ConfigError } from './config-error.ts';
import type { ConfigSection } from './config-section.ts';
import type { ConfigMap } from './config-value.ts';
import { hideExpanded } from './hide-expanded.ts';
import { nearest } from './nearest.ts';
import { redact } from './redact.ts';
import { findReferenceProblems } from './references.ts';

/** A component with its typed values. */
export interface ConfiguredComponent<Type extends ComponentType = ComponentType> {
  /** As written, `type[/name]`. */
  readonly id: string;
  readonly type: Type;
  /** Of the type that `type` reads: it goes back into its methods, or through `isOfType`. */
  readonly config: unknown;
  /** Plain data with all defaults, to be compared; with secrets. */
  readonly written: ConfigMap;
}

/** A component of a type that reads `Config`; see `isOfType`. */
export interface ComponentOf<Config> extends ConfiguredComponent {
  readonly config: Config;
}

/** Components of one kind by identifier. */
type Configured<Type extends ComponentType, Kind extends ComponentKind> = ReadonlyMap<
  string,
  ConfiguredComponent<Type & { readonly kind: Kind }>
>;

/** A whole configuration without faults. */
export interface CheckedConfig<Type extends ComponentType = ComponentType> {
  readonly receivers: Configured<Type, 'receiver'>;
  readonly processors: Configured<Type, 'processor'>;
  readonly exporters: Configured<Type, 'exporter'>;
  readonly extensions: Configured<Type, 'extension'>;
  readonly pipelines: ConfigDocument['pipelines'];
  readonly serviceExtensions: readonly string[];
  readonly telemetry: ConfigDocument['telemetry'];
  readonly warnings: readonly string[];
  /** Plain data with the defaults of all keys, to be compared; with secrets. */
  readonly written: ConfigMap;
  /** The same for printing, without secrets. */
  readonly printable: Readonly<Record<string, unknown>>;
}

/** FindProblems finds the faults of a configuration whose parts are each without one; `warn` takes advice on what is no fault. */
export type FindProblems<Type extends ComponentType = ComponentType> = (
  config: CheckedConfig<Type>,
  warn: (path: string, warning: string) => void,
) => readonly ConfigProblem[];

/** Narrows a component to one of a type, with its typed values. */
export function isOfType<Config>(
  component: ConfiguredComponent | undefined,
  type: ComponentType<Config>,
): component is ComponentOf<Config> {
  return component?.type === type;
}

/**
 * Lets every configured component read its part, also components that no pipeline uses.
 * @throws ConfigError with all faults of the document, those of `loadConfig` included.
 */
export function checkDocument<Type extends ComponentType>(
  document: ConfigDocument,
  types: readonly Type[],
  findProblems: FindProblems<Type> = () => [],
): CheckedConfig<Type> {
  const check = <Kind extends ComponentKind>(kind: Kind): Configured<Type, Kind> => {
    const ofKind = types.filter((type): type is Type & { readonly kind: Kind } => type.kind === kind);
    const checked = new Map<string, ConfiguredComponent<Type & { readonly kind: Kind }>>();
    for (const [id, section] of document[`${kind}s`]) {
      const type = findType(kind, id, section, { types: ofKind, document });
      if (type !== undefined)
        checked.set(id, { id, type, config: type.table.read(section), written: section.completed() });
    }
    return checked;
  };
  const components = {
    receivers: check('receiver'),
    processors: check('processor'),
    exporters: check('exporter'),
    extensions: check('extension'),
  };
  const { pipelines, serviceExtensions, telemetry, warnings, notes } = document;
  const written = document.completed();
  const printable = redact(written, notes.opaquePaths);
  const checked = { ...components, pipelines, serviceExtensions, telemetry, warnings, written, printable };
  const extensions = [...components.extensions.values()];
  const roles = new Map(extensions.map(({ id, type, config }) => [id, type.provides?.(config) ?? []]));
  const references = findReferenceProblems(notes.references, { roles, started: serviceExtensions });
  const problems = [
    ...document.problems,
    ...references,
    ...findProblems(checked, (path, warning) => notes.warn(path, warning)),
  ];
  if (problems.length > 0) throw new ConfigError(problems.map((each) => hideExpanded(each, notes.expanded)));
  return checked;
}

function findType<Type extends ComponentType>(
  kind: ComponentKind,
  id: string,
  section: ConfigSection,
  { types, document }: { readonly types: readonly Type[]; readonly document: ConfigDocument },
): Type | undefined {
  const { problems, notes } = document;
  const parsed = parseComponentId(id);
  const name = typeof parsed === 'string' ? id : parsed.type;
  const exact = types.find(({ type }) => type === name);
  if (exact !== undefined) return exact;
  const aliased = types.find(({ aliases }) => aliases.includes(name));
  if (aliased !== undefined) {
    notes.warn(section.path, `"${name}" alias is deprecated; use "${aliased.type}" instead`);
    return aliased;
  }
  const valid = types.map(({ type }) => type).sort();
  const close = nearest(name, valid);
  const problem = `unknown type: "${name}" for id: "${id}" (valid values: [${valid.join(' ')}])`;
  const guess = close === undefined ? 'use one of these' : `did you mean "${close}"? Use one of these`;
  const substitute = substituteFor(kind, name);
  const remedy = substitute === undefined ? guess : `it is the Collector's, and not here; ${substitute}`;
  problems.push({ path: section.path, problem, remedy });
  return undefined;
}
