import { parseComponentId } from './component-id.ts';
import type { ComponentKind, ComponentType } from './component-type.ts';
import type { ConfigDocument } from './config-document.ts';
import type { ConfigProblem } from './config-error.ts';
import { ConfigError } from './config-error.ts';
import type { ConfigSection } from './config-section.ts';
import { nearest } from './nearest.ts';

/** A component with its typed values. */
export interface ConfiguredComponent<Type extends ComponentType = ComponentType> {
  /** As written, `type[/name]`. */
  readonly id: string;
  readonly type: Type;
  /** What the type's `read` returned. */
  readonly config: unknown;
}

/** A whole configuration without faults. */
export interface CheckedConfig<Type extends ComponentType = ComponentType> {
  readonly receivers: ReadonlyMap<string, ConfiguredComponent<Type>>;
  readonly processors: ReadonlyMap<string, ConfiguredComponent<Type>>;
  readonly exporters: ReadonlyMap<string, ConfiguredComponent<Type>>;
  readonly extensions: ReadonlyMap<string, ConfiguredComponent<Type>>;
  readonly pipelines: ConfigDocument['pipelines'];
  readonly serviceExtensions: readonly string[];
  readonly telemetry: ConfigDocument['telemetry'];
  readonly warnings: readonly string[];
}

/** What is wrong with a configuration as a whole though each of its parts is fine. */
export type FindProblems = (config: CheckedConfig) => readonly ConfigProblem[];

/**
 * Lets every configured component read its part, also those that no pipeline uses.
 * @throws ConfigError with all faults of the document, those of `loadConfig` included.
 */
export function checkDocument<Type extends ComponentType>(
  document: ConfigDocument,
  types: readonly Type[],
  findProblems: FindProblems = () => [],
): CheckedConfig<Type> {
  const check = (kind: ComponentKind): ReadonlyMap<string, ConfiguredComponent<Type>> => {
    const ofKind = types.filter((type) => type.kind === kind);
    const checked = new Map<string, ConfiguredComponent<Type>>();
    for (const [id, section] of document[`${kind}s`]) {
      const type = findType(id, section, ofKind, document);
      if (type !== undefined) checked.set(id, { id, type, config: type.read(section) });
    }
    return checked;
  };
  const components = {
    receivers: check('receiver'),
    processors: check('processor'),
    exporters: check('exporter'),
    extensions: check('extension'),
  };
  const { pipelines, serviceExtensions, telemetry, warnings } = document;
  const checked = { ...components, pipelines, serviceExtensions, telemetry, warnings };
  const problems = [...document.problems, ...findProblems(checked)];
  if (problems.length > 0) throw new ConfigError(problems);
  return checked;
}

function findType<Type extends ComponentType>(
  id: string,
  section: ConfigSection,
  types: readonly Type[],
  { problems, notes }: ConfigDocument,
): Type | undefined {
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
  const remedy = close === undefined ? 'use one of these' : `did you mean "${close}"? Use one of these`;
  problems.push({ path: section.path, problem, remedy });
  return undefined;
}
