import type { LinearRegExp } from '../../support/linear-regexp.ts';
import type { ObjectMetadata, OwnerReference, Pod, PodContainer } from './pod.ts';

/** Attributes of a pod, its container and its owners that can be extracted, by the Collector's names. */
export const metadataNames = [
  'container.id',
  'container.image.name',
  'container.image.repo_digests',
  'container.image.tag',
  'container.image.tags',
  'k8s.cluster.uid',
  'k8s.container.name',
  'k8s.cronjob.name',
  'k8s.cronjob.uid',
  'k8s.daemonset.name',
  'k8s.daemonset.uid',
  'k8s.deployment.name',
  'k8s.deployment.uid',
  'k8s.job.name',
  'k8s.job.uid',
  'k8s.namespace.name',
  'k8s.node.name',
  'k8s.node.uid',
  'k8s.pod.hostname',
  'k8s.pod.ip',
  'k8s.pod.name',
  'k8s.pod.start_time',
  'k8s.pod.uid',
  'k8s.replicaset.name',
  'k8s.replicaset.uid',
  'k8s.statefulset.name',
  'k8s.statefulset.uid',
  'service.instance.id',
  'service.name',
  'service.namespace',
  'service.version',
] as const;

export type MetadataName = (typeof metadataNames)[number];

/** Objects whose labels and annotations can be extracted. */
export const fieldObjects = [
  ...(['pod', 'namespace', 'node', 'deployment', 'replicaset', 'statefulset', 'daemonset', 'job', 'cronjob'] as const),
] as const;

export type FieldObject = (typeof fieldObjects)[number];

/** An object beside the pod; `cluster` is the namespace whose UID stands for the cluster. */
export type RelatedKind = Exclude<FieldObject, 'pod'> | 'cluster';

/** An object beside the pod that tells attributes. */
export interface RelatedObject {
  readonly kind: RelatedKind;
  /** Path in the API. */
  readonly path: string;
  /** UID by the pod's reference, empty where it has none: an object of the same name made later is another one. */
  readonly uid: string;
}

/** Labels or annotations that become attributes. */
export interface FieldRule {
  readonly object: FieldObject;
  readonly from: 'labels' | 'annotations';
  /** Of one field, or a whole expression over names of fields. */
  readonly key: string | LinearRegExp;
  /** Name of the attribute, in which `$1` and `${name}` stand for groups of the expression. */
  readonly attribute: string;
}

export interface Extraction {
  readonly metadata: ReadonlySet<MetadataName>;
  readonly fields: readonly FieldRule[];
  /** Annotations `resource.opentelemetry.io/KEY` become attributes. */
  readonly hasOtelAnnotations: boolean;
}

/** Value of an extracted attribute: text, or texts of a list. */
export type ExtractedValue = string | readonly string[];

/** Identity that a pod gives to resources. */
export interface PodIdentity {
  readonly attributes: ReadonlyMap<string, ExtractedValue>;
  /** Name by the semantic conventions (https://opentelemetry.io/docs/specs/semconv/non-normative/k8s-attributes/). */
  readonly workloadName: string;
  /** Objects that tell further attributes. */
  readonly related: readonly RelatedObject[];
}

const otelPrefix = 'resource.opentelemetry.io/';

/** Identity of one container of a pod, or of the pod alone. */
export function identityOf(pod: Pod, container: PodContainer | undefined, extraction: Extraction): PodIdentity {
  const { metadata, fields, hasOtelAnnotations } = extraction;
  const known = knownOf(pod, container);
  const attributes = new Map<string, ExtractedValue>();
  const { annotations = {}, labels = {} } = pod.metadata ?? {};
  if (hasOtelAnnotations) {
    for (const [key, value] of Object.entries(annotations)) {
      if (key.startsWith(otelPrefix)) attributes.set(key.slice(otelPrefix.length), value);
    }
  }
  addFields(attributes, 'pod', fields, { labels, annotations });
  for (const name of metadata) {
    const value = known[name];
    if (value !== undefined && value.length > 0 && !attributes.has(name)) attributes.set(name, value);
  }
  // Annotations take precedence only where they are asked for, as in the Collector.
  const annotated = hasOtelAnnotations ? annotations[`${otelPrefix}service.name`] : undefined;
  const workloadName = annotated ?? String(known['service.name'] ?? '');
  return { attributes, workloadName, related: relatedOf(pod, extraction) };
}

/** Attributes that an object beside the pod tells by its own metadata. */
export function relatedAttributesOf(
  kind: RelatedKind,
  object: ObjectMetadata,
  { metadata, fields }: Extraction,
): ReadonlyMap<string, string> {
  const attributes = new Map<string, string>();
  if (kind !== 'cluster') addFields(attributes, kind, fields, object);
  const name = `k8s.${kind}.uid` as const;
  if (object.uid !== undefined && metadata.has(name as MetadataName)) attributes.set(name, object.uid);
  return attributes;
}

function addFields(
  attributes: Map<string, ExtractedValue>,
  object: FieldObject,
  fields: readonly FieldRule[],
  { labels = {}, annotations = {} }: Pick<ObjectMetadata, 'labels' | 'annotations'>,
): void {
  for (const { object: of, from, key, attribute } of fields) {
    if (of !== object) continue;
    for (const [field, value] of Object.entries(from === 'labels' ? labels : annotations)) {
      const name = typeof key === 'string' ? (key === field ? attribute : undefined) : named(attribute, key, field);
      if (name !== undefined) attributes.set(name, value);
    }
  }
}

/** Paths of kinds that have no namespace, or that of the pod. */
const relatedPaths: Readonly<Record<RelatedKind, (namespace: string, name: string) => string>> = {
  cluster: () => '/api/v1/namespaces/kube-system',
  namespace: (namespace) => `/api/v1/namespaces/${namespace}`,
  node: (_, name) => `/api/v1/nodes/${name}`,
  deployment: (namespace, name) => `/apis/apps/v1/namespaces/${namespace}/deployments/${name}`,
  replicaset: (namespace, name) => `/apis/apps/v1/namespaces/${namespace}/replicasets/${name}`,
  statefulset: (namespace, name) => `/apis/apps/v1/namespaces/${namespace}/statefulsets/${name}`,
  daemonset: (namespace, name) => `/apis/apps/v1/namespaces/${namespace}/daemonsets/${name}`,
  job: (namespace, name) => `/apis/batch/v1/namespaces/${namespace}/jobs/${name}`,
  cronjob: (namespace, name) => `/apis/batch/v1/namespaces/${namespace}/cronjobs/${name}`,
};

/** Attributes that the pod's own references do not tell. */
const foreignUids = ['cluster', 'node', 'deployment', 'cronjob'] as const;

/** Objects beside the pod that the configuration wants, as far as the pod names them. */
function relatedOf(pod: Pod, { metadata, fields }: Extraction): readonly RelatedObject[] {
  const kinds = new Set<RelatedKind>([
    ...foreignUids.filter((kind) => metadata.has(`k8s.${kind}.uid`)),
    ...fields.flatMap(({ object }) => (object === 'pod' ? [] : [object])),
  ]);
  if (kinds.size === 0) return [];
  const { namespace = '' } = pod.metadata ?? {};
  const owners = ownersOf(pod);
  return [...kinds].flatMap((kind) => {
    const isOwner = kind !== 'cluster' && kind !== 'namespace' && kind !== 'node';
    const name = kind === 'node' ? (pod.spec?.nodeName ?? '') : isOwner ? (owners[`k8s.${kind}.name`] ?? '') : kind;
    if (name === '' || namespace === '') return [];
    const path = relatedPaths[kind](encodeURIComponent(namespace), encodeURIComponent(name));
    return [{ kind, path, uid: isOwner ? (owners[`k8s.${kind}.uid`] ?? '') : '' }];
  });
}

function knownOf(pod: Pod, container: PodContainer | undefined): Partial<Record<MetadataName, ExtractedValue>> {
  const { metadata = {}, spec = {}, status = {} } = pod;
  const { name = '', namespace = '', labels = {} } = metadata;
  const owners = ownersOf(pod);
  const image = imageOf(container);
  const workload =
    labels['app.kubernetes.io/instance'] ||
    labels['app.kubernetes.io/name'] ||
    workloadOrder.map((key) => owners[key]).find((each) => each !== undefined && each !== '') ||
    name ||
    container?.name ||
    '';
  return {
    ...owners,
    'container.id': container?.ids[0] ?? '',
    'container.image.name': image.name,
    'container.image.repo_digests': image.digests,
    'container.image.tag': image.tag,
    'container.image.tags': image.tag === '' ? [] : [image.tag],
    'k8s.container.name': container?.name ?? '',
    'k8s.namespace.name': namespace,
    'k8s.node.name': spec.nodeName ?? '',
    'k8s.pod.hostname': spec.hostname ?? '',
    'k8s.pod.ip': status.podIP ?? '',
    'k8s.pod.name': name,
    'k8s.pod.start_time': metadata.creationTimestamp ?? '',
    'k8s.pod.uid': metadata.uid ?? '',
    'service.instance.id': container === undefined ? '' : `${namespace}.${name}.${container.name}`,
    'service.name': workload,
    'service.namespace': namespace,
    'service.version': labels['app.kubernetes.io/version'] || image.version,
  };
}

const workloadOrder: readonly MetadataName[] = [
  'k8s.deployment.name',
  'k8s.replicaset.name',
  'k8s.statefulset.name',
  'k8s.daemonset.name',
  'k8s.cronjob.name',
  'k8s.job.name',
];

/** Owners by the references of the pod alone: nothing else of the cluster is asked for them. */
function ownersOf(pod: Pod): Partial<Record<MetadataName, string>> {
  const { ownerReferences = [], labels = {} } = pod.metadata ?? {};
  const owner: OwnerReference = ownerReferences.find(({ controller }) => controller) ?? ownerReferences[0] ?? {};
  const { kind = '', name = '', uid = '' } = owner;
  switch (kind) {
    case 'ReplicaSet': {
      const hash = labels['pod-template-hash'] ?? '';
      const isOfDeployment = hash !== '' && name.endsWith(`-${hash}`);
      const deployment = isOfDeployment ? name.slice(0, -hash.length - 1) : '';
      return { 'k8s.replicaset.name': name, 'k8s.replicaset.uid': uid, 'k8s.deployment.name': deployment };
    }
    case 'DaemonSet':
      return { 'k8s.daemonset.name': name, 'k8s.daemonset.uid': uid };
    case 'StatefulSet':
      return { 'k8s.statefulset.name': name, 'k8s.statefulset.uid': uid };
    case 'Job':
      return { 'k8s.job.name': name, 'k8s.job.uid': uid, 'k8s.cronjob.name': cronJobOf(name, pod) };
    default:
      return {};
  }
}

/** A job of a cron job is named by the minute at which it was due; the pod is made soon after. */
function cronJobOf(jobName: string, { metadata = {} }: Pod): string {
  const [, name = '', minutes] = /^(.*)-(\d{8})$/.exec(jobName) ?? [];
  const dayMs = 86_400_000;
  const dueMs = Number(minutes) * 60_000;
  return Math.abs(Date.parse(metadata.creationTimestamp ?? '') - dueMs) <= dayMs ? name : '';
}

interface Image {
  readonly name: string;
  readonly tag: string;
  readonly digests: readonly string[];
  /** `tag@digest`, or one of them. */
  readonly version: string;
}

function imageOf(container: PodContainer | undefined): Image {
  const [reference = '', ownDigest = ''] = (container?.image ?? '').split('@');
  // A colon before the last slash is that of a port.
  const colon = reference.indexOf(':', reference.lastIndexOf('/') + 1);
  const name = colon < 0 ? reference : reference.slice(0, colon);
  const isTagged = colon >= 0;
  const tag = isTagged ? reference.slice(colon + 1) : name !== '' && ownDigest === '' ? 'latest' : '';
  const id = (container?.imageId ?? '').replace(/^[a-z-]+:\/\//, '');
  const digests = id.includes('@sha256:') ? [id] : [];
  const version = ownDigest === '' ? tag : tag === '' ? ownDigest : `${tag}@${ownDigest}`;
  return { name, tag, digests, version };
}

/** The attribute for a field that the expression matches as a whole; `undefined` for any other. */
function named(attribute: string, key: LinearRegExp, field: string): string | undefined {
  const found = key.exec(field);
  if (found === undefined) return undefined;
  return attribute.replace(/\$(\$|\d+|\{(\w+)\})/g, (_, form: string, name?: string) => {
    if (form === '$') return '$';
    const group = name ?? form;
    return (/^\d+$/.test(group) ? found.groups[Number(group)] : found.named.get(group)) ?? '';
  });
}
