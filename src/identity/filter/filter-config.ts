import type { ProcessorType } from '../../config/component-type.ts';
import {
  choice,
  converted,
  decimal,
  flag,
  requiredText,
  scalar,
  section,
  sectionIfPresent,
  sections,
  sectionsOrTexts,
  textList,
} from '../../config/config-keys.ts';
import type { ConfigSection } from '../../config/config-section.ts';
import type { ConfigOf, ValuesOf } from '../../config/config-table.ts';
import { configTable } from '../../config/config-table.ts';
import { attributeNames } from '../../profile/attribute-names.ts';
import { readPattern } from '../read-pattern.ts';
import type { ResourceDraft } from '../resource-draft.ts';
import type { ResourceCondition } from './conditions.ts';
import { conditionForms, parseCondition } from './conditions.ts';

/** Properties by which samples are chosen; all that are given must hold. */
export interface SampleChoice {
  /** Absent: every resource. */
  readonly resource: ResourceCondition | undefined;
  /** By the types of a stack's frames. Absent: every stack. */
  readonly stack: ((frameTypes: ReadonlySet<string>) => boolean) | undefined;
}

const noErrors = 'conditions that are read here cannot fail';

const frameTypes = [
  ...['beam', 'cpython', 'dotnet', 'go', 'jvm', 'kernel', 'luajit'],
  ...['native', 'perl', 'php', 'ruby', 'rust', 'v8js'],
];

const attributeTable = configTable({
  about: 'One attribute of a resource.',
  keys: {
    key: requiredText('key', { example: 'k8s.namespace.name' }, 'Name of the attribute.'),
    value: scalar('value', 'Value, or expression; without one, the attribute has to be there.'),
  },
});

const choiceKeys = {
  matchType: choice(
    'match_type',
    { choices: ['strict', 'regexp'], fallback: 'strict' },
    'Texts are equal, or match an expression in the language of RE2 somewhere.',
  ),
  attributes: sections('resource_attributes', attributeTable, 'Attributes of the resource, all of which must match.'),
  processNames: textList('process_names', { fallback: [] }, 'One of these is `process.executable.name`.'),
  executablePaths: textList('executable_paths', { fallback: [] }, 'One of these is `process.executable.path`.'),
  namespaces: textList('namespaces', { fallback: [] }, 'One of these is `k8s.namespace.name`.'),
  frameTypes: textList(
    'frame_types',
    { fallback: [], choices: frameTypes },
    'The stack has a frame of one of these types.',
  ),
  kernelThreads: flag(
    'kernel_threads',
    { fallback: false },
    'The sample is of a thread of the kernel: without an executable, and with frames of the kernel alone.',
  ),
};

const choiceTable = configTable(
  { title: 'Choice of samples', about: 'Samples that match everything that is given here.', keys: choiceKeys },
  choiceOf,
);

const listsTable = configTable({
  about: 'Conditions by context; the newer key is `profile_conditions`.',
  keys: {
    resource: conditions('resource', 'Conditions on resources; one that holds drops the resource.', true),
    profile: conditions('profile', 'Conditions on profiles by their resource; one that holds drops them.', false),
  },
});

const contexts = ['resource', 'scope', 'profile'] as const;

const groupTable = configTable(
  {
    about: 'Conditions in one context; a text in the list is one condition.',
    keys: {
      context: choice(
        'context',
        { choices: contexts, fallback: 'profile', ignoreCase: true },
        'In `resource`, `attributes` are those of the resource; elsewhere these are `resource.attributes`.',
      ),
      conditions: textList(
        'conditions',
        { fallback: [] },
        conditionsMeaning('Conditions; one that holds drops the samples.'),
      ),
    },
    ignored: { error_mode: noErrors },
  },
  ({ context, conditions }, own) => parseConditions('conditions', conditions, own, context === 'resource'),
);

const table = configTable(
  {
    about: 'Keeps or drops samples by their resource, by the types of their frames, or by chance.',
    source:
      'https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/processor/filterprocessor#readme',
    keys: {
      profileConditions: converted(
        sectionsOrTexts(
          'profile_conditions',
          groupTable,
          'conditions',
          'Conditions, or groups of them; one that holds drops the samples.',
        ),
        (groups): readonly ResourceCondition[] => groups.flat(),
      ),
      lists: section('profiles', listsTable),
      include: sectionIfPresent('include', choiceTable, 'Samples to keep; all others are dropped.'),
      exclude: sectionIfPresent('exclude', choiceTable, 'Samples to drop, of those that `include` keeps.'),
      samplingPercentage: decimal(
        'sampling_percentage',
        { fallback: 100, min: 0, max: 100 },
        'Share of the observations that stay, by chance; values are not scaled up.',
      ),
    },
    ignored: { error_mode: noErrors },
    check: ({ profileConditions, lists, include, exclude, samplingPercentage }, own) => {
      const hasLists = lists.resource.length + lists.profile.length > 0;
      if (profileConditions.length > 0 && hasLists) {
        own.addProblem('profiles', 'and profile_conditions are both there', 'keep profile_conditions');
      }
      const hasConditions = hasLists || profileConditions.length > 0;
      if (hasConditions || include !== undefined || exclude !== undefined || samplingPercentage < 100) return;
      const parts = ['profile_conditions', 'profiles', 'include', 'exclude', 'sampling_percentage'];
      if (!parts.some((part) => own.keys().includes(part))) {
        own.addProblem('profile_conditions', 'is missing', `write at least one of ${parts.join(', ')}`);
      }
    },
  },
  ({ profileConditions, lists, include, exclude, samplingPercentage }) => ({
    /** Conditions that drop a resource. */
    conditions: [...profileConditions, ...lists.resource, ...lists.profile],
    include,
    exclude,
    share: samplingPercentage / 100,
  }),
);

export type FilterConfig = ConfigOf<typeof table>;

/** Processor `filter`. */
export const filterType: ProcessorType<FilterConfig> = {
  kind: 'processor',
  changesInPlace: () => true,
  type: 'filter',
  aliases: [],
  stability: 'alpha',
  table,
};

function conditions(key: string, meaning: string, isResourceContext: boolean) {
  return converted(textList(key, { fallback: [] }, conditionsMeaning(meaning)), (texts, own) =>
    parseConditions(key, texts, own, isResourceContext),
  );
}

function conditionsMeaning(meaning: string): string {
  return `${meaning} Read are comparisons of attributes of the resource, \`IsMatch\`, \`and\`, \`or\`, \`not\` and parentheses.`;
}

/** Conditions at fault are left out, and go to the section. */
function parseConditions(
  key: string,
  texts: readonly string[],
  own: ConfigSection,
  isResourceContext: boolean,
): readonly ResourceCondition[] {
  return texts.flatMap((text, index) => {
    try {
      return [parseCondition(text, isResourceContext)];
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      own.addProblem(`${key}[${index}]`, `in ${JSON.stringify(text)}, ${error.message}`, `write ${conditionForms}`);
      return [];
    }
  });
}

function choiceOf(values: ValuesOf<typeof choiceKeys>, own: ConfigSection): SampleChoice {
  const { attributes, frameTypes: types, kernelThreads } = values;
  const all: ResourceCondition[] = attributes.map(({ key, value }, index) => {
    if (value === undefined) return (resource) => resource.has(key);
    const matches = matcher(values.matchType, String(value), own, `resource_attributes[${index}].value`);
    return (resource) => matches(plainText(resource, key));
  });
  const addList = (key: string, attribute: string, texts: readonly string[]): void => {
    if (texts.length === 0) return;
    const matchers = texts.map((text, index) => matcher(values.matchType, text, own, `${key}[${index}]`));
    all.push((resource) => matchers.some((matches) => matches(plainText(resource, attribute))));
  };
  addList('process_names', attributeNames.processExecutableName, values.processNames);
  addList('executable_paths', attributeNames.processExecutablePath, values.executablePaths);
  addList('namespaces', 'k8s.namespace.name', values.namespaces);
  if (kernelThreads) all.push((resource) => resource.text(attributeNames.processExecutablePath) === '');
  for (const [index, type] of types.entries()) {
    if (frameTypes.includes(type)) continue;
    own.addProblem(`frame_types[${index}]`, `"${type}" is not known`, `write one of ${frameTypes.join(', ')}`);
  }
  if (all.length === 0 && types.length === 0) {
    const keys = 'resource_attributes, process_names, executable_paths, namespaces, frame_types or kernel_threads';
    own.addProblem('resource_attributes', 'is missing', `say which samples are meant: ${keys}`);
  }
  const isKernel = (present: ReadonlySet<string>): boolean => present.size === 1 && present.has('kernel');
  const hasType = (present: ReadonlySet<string>): boolean => types.some((type) => present.has(type));
  const ofTypes = types.length === 0 ? undefined : hasType;
  const ofKernel = kernelThreads ? isKernel : undefined;
  const both = (present: ReadonlySet<string>): boolean => hasType(present) && isKernel(present);
  return {
    resource: all.length === 0 ? undefined : (resource) => all.every((each) => each(resource)),
    stack: ofTypes !== undefined && ofKernel !== undefined ? both : (ofTypes ?? ofKernel),
  };
}

function matcher(
  matchType: 'strict' | 'regexp',
  text: string,
  own: ConfigSection,
  path: string,
): (value: string | undefined) => boolean {
  if (matchType === 'strict') return (value) => value === text;
  const pattern = readPattern(own, path, text);
  return (value) => value !== undefined && pattern?.test(value) === true;
}

/** A text, number or boolean as text; `undefined` for all else. */
function plainText(resource: ResourceDraft, key: string): string | undefined {
  const value = resource.get(key);
  return value === undefined || typeof value === 'object' ? undefined : String(value);
}
