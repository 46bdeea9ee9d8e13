import type { ProcessorType } from '../../config/component-type.ts';
import {
  choice,
  converted,
  duration,
  flag,
  requiredText,
  section,
  sections,
  text,
  textList,
} from '../../config/config-keys.ts';
import type { ConfigSection } from '../../config/config-section.ts';
import type { ConfigOf, ValuesOf } from '../../config/config-table.ts';
import { configTable } from '../../config/config-table.ts';
import { LinearRegExp } from '../../support/linear-regexp.ts';
import { readPattern } from '../read-pattern.ts';
import { apiServerKeys } from './api-config.ts';
import type { FieldRule, MetadataName } from './extraction.ts';
import { fieldObjects, metadataNames } from './extraction.ts';

/** Attributes whose values together find a pod. */
const associationNames = ['container.id', 'k8s.pod.uid', 'k8s.pod.ip', 'k8s.pod.name', 'k8s.namespace.name'] as const;

export type AssociationName = (typeof associationNames)[number];

const fieldKeys = {
  attribute: text(
    'tag_name',
    { fallback: '' },
    'Name of the attribute; `$1` stands for the first group of `key_regex`. Empty: `k8s.OBJECT.label.KEY` or `k8s.OBJECT.annotation.KEY`.',
  ),
  key: text('key', { fallback: '' }, 'Name of the label or annotation.'),
  keyRegex: text('key_regex', { fallback: '' }, 'Expression that the whole name matches.'),
  object: choice(
    'from',
    { choices: fieldObjects, fallback: 'pod' },
    'Object that has it: the pod, its namespace or node, or an owner of it. Each other than the pod is asked for at first sight and again after `related_refresh`, and needs the right `get` of its kind.',
  ),
};

function fieldTable(from: FieldRule['from']) {
  const word = from === 'labels' ? 'label' : 'annotation';
  return configTable({ about: `One ${word}.`, keys: fieldKeys, check: checkField }, (values, own) =>
    fieldRuleOf(values, own, from),
  );
}

const extractTable = configTable(
  {
    about: 'Attributes to add.',
    keys: {
      metadata: textList(
        'metadata',
        {
          fallback: [
            ...['container.image.name', 'container.image.tags', 'k8s.deployment.name', 'k8s.namespace.name'],
            ...['k8s.node.name', 'k8s.pod.name', 'k8s.pod.start_time', 'k8s.pod.uid'],
          ],
          choices: metadataNames,
        },
        'Attributes of pod, container and owner. The pod tells all but the UIDs of cluster, cron job, deployment and node, which need the right `get` of these.',
      ),
      labels: sections('labels', fieldTable('labels'), 'Labels of pods, namespaces, nodes and owners.'),
      annotations: sections(
        'annotations',
        fieldTable('annotations'),
        'Annotations of pods, namespaces, nodes and owners.',
      ),
      hasOtelAnnotations: flag(
        'otel_annotations',
        { fallback: false },
        'Annotations `resource.opentelemetry.io/KEY` become attributes `KEY`.',
      ),
    },
  },
  ({ metadata, labels, annotations, hasOtelAnnotations }, own) => ({
    metadata: new Set(metadata.filter((name, index): name is MetadataName => isMetadata(name, index, own))),
    fields: [...labels, ...annotations].filter((rule) => rule !== undefined),
    hasOtelAnnotations,
  }),
);

const labelFilterTable = configTable({
  about: 'One comparison.',
  keys: {
    key: requiredText('key', { example: 'app' }, 'Name of the label or field.'),
    value: text('value', { fallback: '' }, 'Value.'),
    operation: choice(
      'op',
      { choices: ['equals', 'not-equals', 'exists', 'does-not-exist'], fallback: 'equals' },
      'Comparison; of fields, `equals` and `not-equals` alone.',
    ),
  },
});

const filterTable = configTable({
  about: 'Pods to watch: those of one node.',
  keys: {
    node: text('node', { fallback: '' }, 'Name of the node; empty: that of `node_from_env_var`.'),
    nodeVariable: text(
      'node_from_env_var',
      { fallback: 'K8S_NODE_NAME' },
      "Variable with the node's name, from the downward API's `spec.nodeName`.",
    ),
    namespace: text('namespace', { fallback: '' }, 'Namespace; empty: all.'),
    labels: sections('labels', labelFilterTable, 'Labels that pods must have.'),
    fields: sections('fields', labelFilterTable, 'Fields that pods must have.'),
  },
});

const sourceTable = configTable({
  about: 'One attribute.',
  keys: {
    from: choice('from', { choices: ['resource_attribute'], fallback: 'resource_attribute' }, 'Source of the value.'),
    name: requiredText('name', { example: 'container.id' }, `One of ${associationNames.join(', ')}.`),
  },
  check: ({ name }, own) => {
    if (name === '' || associationNames.some((each) => each === name)) return;
    own.addProblem('name', `"${name}" finds no pod here`, `write one of ${associationNames.join(', ')}`);
  },
});

const associationTable = configTable(
  {
    about: 'Attributes that find a pod together.',
    keys: { sources: sections('sources', sourceTable, 'At most four.') },
  },
  ({ sources }) => sources.map(({ name }) => name as AssociationName),
);

const excludedTable = configTable(
  { about: 'One pod.', keys: { name: requiredText('name', { example: '^jaeger-agent' }, 'Expression over names.') } },
  ({ name }, own) => (name === '' ? undefined : readPattern(own, 'name', name)),
);

const excludeTable = configTable(
  { about: 'Pods without attributes.', keys: { pods: sections('pods', excludedTable, 'By name.') } },
  ({ pods }) => pods.filter((pattern) => pattern !== undefined),
);

const kubeletTable = configTable({
  about: "Asks the node's kubelet for its pods in place of the API server.",
  keys: {
    isEnabled: flag('enabled', { fallback: false }, 'The kubelet is asked; the right `nodes/pods` is needed for it.'),
    endpoint: text('endpoint', { fallback: '' }, 'Base address, e.g. `https://10.0.0.7:10250`.'),
    pollMs: duration('poll_interval', { fallback: 10_000, min: 1_000, max: 3_600_000 }, 'Interval between requests.'),
    requestTimeoutMs: duration('request_timeout', { fallback: 10_000, min: 100, max: 600_000 }, 'Longest request.'),
    skipsVerification: flag(
      'insecure_skip_verify',
      { fallback: false },
      "The kubelet's certificate is not verified: many are self-signed.",
    ),
    allowsHttp: flag('allow_insecure_http', { fallback: false }, 'An address with `http:` is taken.'),
  },
  check: ({ isEnabled, endpoint, allowsHttp }, own) => {
    if (!isEnabled) return;
    const { protocol = '' } = URL.parse(endpoint) ?? {};
    if (protocol === 'https:' || (protocol === 'http:' && allowsHttp)) return;
    own.addProblem('endpoint', `"${endpoint}" is no HTTPS address`, 'write e.g. https://10.0.0.7:10250');
  },
});

const table = configTable({
  about:
    "Adds attributes of pod, container and workload, by container or process. One watch of this node's pods, or its kubelet, tells them. Of the rest of the cluster only those objects are asked for, one by one, whose labels, annotations or UIDs are extracted.",
  source:
    'https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/processor/k8sattributesprocessor#readme',
  keys: {
    ...apiServerKeys,
    waitsAtStart: flag(
      'wait_for_metadata',
      { fallback: false },
      'The start waits for the first list of pods, and fails without it after `wait_for_metadata_timeout`.',
    ),
    waitMs: duration(
      'wait_for_metadata_timeout',
      { fallback: 10_000, min: 1, max: 600_000 },
      'Longest time of that wait.',
    ),
    holdMs: duration(
      'hold',
      { fallback: 0, min: 0, max: 60_000 },
      'Longest time that a request or report waits for a pod that is not known yet, such as one that just started.',
    ),
    graceMs: duration(
      'pod_delete_grace_period',
      { fallback: 120_000, min: 0, max: 86_400_000 },
      'Time for which the names of a pod that has ended stay, for late samples.',
    ),
    relatedRefreshMs: duration(
      'related_refresh',
      { fallback: 300_000, min: 1_000, max: 86_400_000 },
      'Time after which a namespace, node or owner is asked for again when samples come of it.',
    ),
    processLookup: choice(
      'process_lookup',
      { choices: ['auto', 'always', 'never'], fallback: 'auto' },
      "A resource without container ID is found by its process ID in `/proc`. `auto`: where Framekeeper sees the host's process IDs, in Kubernetes with hostPID.",
    ),
    procRoot: text('proc_root', { fallback: '/proc' }, "Mount of the host's `/proc`."),
    extract: section('extract', extractTable),
    filter: section('filter', filterTable),
    associations: converted(
      sections('pod_association', associationTable, 'The first whose attributes are all there finds the pod.'),
      (list): readonly (readonly AssociationName[])[] => (list.length > 0 ? list : [['container.id'], ['k8s.pod.uid']]),
    ),
    exclude: section('exclude', excludeTable),
    kubelet: section('kubelet', kubeletTable),
  },
  ignored: {
    kube_api_qps: 'there is one request in minutes',
    kube_api_burst: 'there is one request in minutes',
    watch_sync_period: 'a watch that ends is begun again, and needs no other',
    deployment_name_from_replicaset: 'it is always so',
    context: 'there is no kubeConfig here',
  },
  refused: {
    passthrough: ['is not known here: a profile does not come from the address of the pod that it is of', 'remove it'],
  },
  check: checkPaths,
});

export type K8sAttributesConfig = ConfigOf<typeof table>;

/** Processor `k8s_attributes`. */
export const k8sAttributesType: ProcessorType<K8sAttributesConfig> = {
  kind: 'processor',
  type: 'k8s_attributes',
  aliases: ['k8sattributes'],
  stability: 'alpha',
  table,
};

function checkPaths({ procRoot }: { readonly procRoot: string }, own: ConfigSection): void {
  if (!procRoot.startsWith('/')) own.addProblem('proc_root', `"${procRoot}" is no absolute path`, 'write e.g. /proc');
}

function isMetadata(name: string, index: number, own: ConfigSection): boolean {
  if (metadataNames.some((each) => each === name)) return true;
  own.addProblem(`metadata[${index}]`, `"${name}" is not known`, `write some of ${metadataNames.join(', ')}`);
  return false;
}

function checkField({ key, keyRegex }: ValuesOf<typeof fieldKeys>, own: ConfigSection): void {
  if ((key === '') === (keyRegex === '')) own.addProblem('key', 'or key_regex must be there, one of them', 'write key');
}

function fieldRuleOf(
  { attribute, key, keyRegex, object }: ValuesOf<typeof fieldKeys>,
  own: ConfigSection,
  from: FieldRule['from'],
): FieldRule | undefined {
  const prefix = `k8s.${object}.${from.slice(0, -1)}.`;
  if (keyRegex === '') return { object, from, key, attribute: attribute || `${prefix}${key}` };
  const pattern = readPattern(own, 'key_regex', keyRegex);
  if (pattern === undefined) return undefined;
  const whole = new LinearRegExp(`^(?:${keyRegex})$`);
  // The Collector's "$$1" is "$1" once its variables are expanded.
  return { object, from, key: whole, attribute: attribute.replaceAll('$$', '$') || `${prefix}$0` };
}
