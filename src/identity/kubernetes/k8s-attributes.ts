import { readlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Meter } from '@opentelemetry/api';
import type { Logger } from 'pino';
import { attributeNames } from '../../profile/attribute-names.ts';
import type { Clock, Random } from '../../support/clock.ts';
import { everyInterval, inTime, withDeadline } from '../../support/clock.ts';
import { messageOf } from '../../support/error-text.ts';
import type { Component } from '../../support/lifecycle.ts';
import type { Host } from '../host.ts';
import { ProcessReader } from '../processes/process-reader.ts';
import type { ResourceDraft } from '../resource-draft.ts';
import { pidOf } from '../resource-draft.ts';
import type { ResourceRule } from '../resource-rule.ts';
import { ApiClient } from './api-client.ts';
import type { PodIdentity } from './extraction.ts';
import type { AssociationName, K8sAttributesConfig } from './k8s-attributes-config.ts';
import type { Pod } from './pod.ts';
import type { PodKey } from './pod-index.ts';
import { PodIndex } from './pod-index.ts';
import { PodWatch } from './pod-watch.ts';
import { RelatedObjects } from './related-objects.ts';
import { UnknownPods } from './unknown-pods.ts';

export interface K8sAttributesParts {
  readonly host: Host;
  readonly clock: Clock;
  readonly random: Random;
  readonly meter: Meter;
  readonly logger: Logger;
}

/** Pods that say so themselves are left out, as in the Collector. */
const ignoreAnnotation = 'opentelemetry.io/k8s-processor/ignore';
/** Number that the first PID namespace of a machine has. */
const firstPidNamespace = 'pid:[4026531836]';

/** Adds the identity of its pod to each resource: one watch of this node's pods tells them, and single requests what is not in a pod. */
export class K8sAttributes implements ResourceRule, Component {
  readonly id: string;
  readonly #config: K8sAttributesConfig;
  readonly #parts: K8sAttributesParts;
  readonly #index: PodIndex;
  readonly #unknown: UnknownPods;
  readonly #stopping = new AbortController();
  readonly #count: (outcome: string) => void;
  readonly #related: RelatedObjects;
  #processes: ProcessReader | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(id: string, config: K8sAttributesConfig, parts: K8sAttributesParts) {
    this.id = id;
    this.#config = config;
    this.#parts = parts;
    const { clock, meter, host } = parts;
    const { authType, server } = config;
    this.#index = new PodIndex(config.extract, config.graceMs, clock);
    this.#unknown = new UnknownPods(config.holdMs, clock);
    const counter = meter.createCounter('framekeeper_kubernetes_requests', {
      description:
        'Lists and watches of pods, requests for namespaces, nodes and owners, and those that expired, failed, found nothing or were put off.',
      unit: '{request}',
    });
    this.#count = (outcome) => counter.add(1, { outcome, processor: id });
    const client = new ApiClient({ authType, server }, host);
    this.#related = new RelatedObjects(config, { client, count: this.#count, ...parts });
    const gauge = meter.createObservableGauge('framekeeper_kubernetes_pods', {
      description: 'Pods of this node that are known to run.',
      unit: '{pod}',
    });
    gauge.addCallback((result) => result.observe(this.#index.size, { processor: id }));
  }

  async start(): Promise<void> {
    if (await this.#seesProcesses()) {
      this.#processes = new ProcessReader({ procRoot: this.#config.procRoot, variables: [] }, this.#parts);
    }
    const { kubelet, waitsAtStart } = this.#config;
    if (kubelet.isEnabled) return this.#startPolling();
    const watch = this.#createWatch();
    this.#running = watch.run(this.#stopping.signal);
    if (waitsAtStart) await this.#untilKnown(watch.listed, () => watch.lastFault);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#unknown.stop();
    await Promise.all([this.#running, this.#related.stop()]);
  }

  /**
   * Resolves when processes and objects beside the pods are looked up, and pods that the last edits did not find are known or waited for
   * long enough.
   */
  readonly settled = (): Promise<void> | undefined => {
    const waiting = [this.#processes?.settled(), this.#related.settled(), this.#unknown.settled()];
    const underWay = waiting.filter((each) => each !== undefined);
    return underWay.length === 0 ? undefined : Promise.all(underWay).then(() => undefined);
  };

  apply(resource: ResourceDraft): boolean {
    const facts = this.#factsOf(resource);
    const containerId = resource.text(attributeNames.containerId) || facts?.containerId || '';
    const keys = this.#keysOf(resource, facts);
    const container = { id: containerId, name: resource.text('k8s.container.name') };
    const found = keys.map((key) => this.#index.find(key, container)).find((each) => each !== undefined);
    for (const key of keys) if (found === undefined && /^(container|uid) /.test(key)) this.#unknown.miss(key);
    if (found === undefined) return true;
    describe(resource, found, containerId);
    for (const object of found.related) {
      for (const [key, value] of this.#related.lookUp(object) ?? []) resource.fill(key, value);
    }
    return true;
  }

  /** Keys of the first association whose attributes are all there; of the process where none is. */
  #keysOf(resource: ResourceDraft, facts: { containerId: string; podUid: string } | undefined): readonly PodKey[] {
    for (const association of this.#config.associations) {
      const key = keyOf(association, resource);
      if (key !== undefined) return [key];
    }
    if (facts === undefined) return [];
    const { containerId, podUid } = facts;
    return [
      ...(containerId === '' ? [] : [`container ${containerId}` as const]),
      ...(podUid === '' ? [] : [`uid ${podUid}` as const]),
    ];
  }

  /** Facts of the process, unless its sender told the container. */
  #factsOf(resource: ResourceDraft): { containerId: string; podUid: string } | undefined {
    if (resource.text(attributeNames.containerId) !== '') return undefined;
    return this.#processes?.lookUp(pidOf(resource));
  }

  #createWatch(): PodWatch {
    const { host, clock, random } = this.#parts;
    const { filter, authType, server } = this.#config;
    const node = filter.node || host.env[filter.nodeVariable] || '';
    if (node === '') {
      throw new Error(
        `processors.${this.id}.filter: the node is unknown; set ${filter.nodeVariable} from the downward API's spec.nodeName, or write filter.node`,
      );
    }
    const path = filter.namespace === '' ? '/api/v1/pods' : `/api/v1/namespaces/${filter.namespace}/pods`;
    const fields = filter.fields.map((each) => `,${selectorOf(each)}`).join('');
    const selectors = new URLSearchParams({ fieldSelector: `spec.nodeName=${node}${fields}` });
    if (filter.labels.length > 0) selectors.set('labelSelector', filter.labels.map(selectorOf).join(','));
    const client = new ApiClient({ authType, server }, host);
    return new PodWatch(path, selectors, {
      ...{ client, clock, random, sink: this.#sink, count: this.#count },
      logger: this.#parts.logger,
    });
  }

  async #startPolling(): Promise<void> {
    const { clock, host, logger } = this.#parts;
    const { kubelet, authType, server, waitsAtStart } = this.#config;
    const { endpoint, skipsVerification, pollMs, requestTimeoutMs } = kubelet;
    const client = new ApiClient({ authType, server: { ...server, endpoint }, skipsVerification }, host);
    const listed = Promise.withResolvers<void>();
    let fault = '';
    const poll = async (): Promise<void> => {
      try {
        const asked = withDeadline(clock, requestTimeoutMs, this.#stopping.signal, (signal) =>
          client.get('/pods', signal),
        );
        const list = (await asked) as { readonly items?: readonly Pod[] };
        this.#sink.replaceAll(list.items ?? []);
        this.#count('listed');
        listed.resolve();
        fault = '';
      } catch (error) {
        fault = messageOf(error);
        this.#count('failed');
        logger.warn({ reason: fault }, 'Cannot ask for the pods of this node; those known stay.');
      }
    };
    this.#running = poll().then(() => everyInterval(clock, this.#stopping.signal, () => pollMs, poll));
    if (waitsAtStart) await this.#untilKnown(listed.promise, () => fault);
  }

  /** Pods in scope, and news for waiting look-ups. */
  readonly #sink = {
    set: (pod: Pod): void => {
      if (this.#isIgnored(pod)) return;
      this.#index.set(pod);
      this.#unknown.hear((key) => this.#index.find(key, { id: '', name: '' }) !== undefined);
    },
    delete: (uid: string): void => this.#index.delete(uid),
    replaceAll: (pods: readonly Pod[]): void => {
      this.#index.replaceAll(pods.filter((pod) => !this.#isIgnored(pod)));
      this.#unknown.hear((key) => this.#index.find(key, { id: '', name: '' }) !== undefined);
    },
  };

  #isIgnored({ metadata = {} }: Pod): boolean {
    if (metadata.annotations?.[ignoreAnnotation]?.toLowerCase() === 'true') return true;
    return this.#config.exclude.some((pattern) => pattern.test(metadata.name ?? ''));
  }

  /** Waits for the first list of pods, and for the objects beside them. */
  async #untilKnown(listed: Promise<void>, fault: () => string): Promise<void> {
    const { clock } = this.#parts;
    const { waitMs } = this.#config;
    let missing = 'no list of pods';
    const known = listed.then(() => {
      missing = 'not all namespaces, nodes and owners of pods known';
      return this.#related.loadAll(this.#index.related());
    });
    await inTime(clock, waitMs, known, () => {
      const reason = fault() || this.#related.lastFault || 'no answer';
      return Promise.reject(new Error(`processors.${this.id}: ${missing} within ${waitMs} ms; ${reason}`));
    });
  }

  /** In a PID namespace of its own, a process ID is another process's: its pod would be a wrong one. */
  async #seesProcesses(): Promise<boolean> {
    const { processLookup, procRoot } = this.#config;
    if (processLookup !== 'auto') return processLookup === 'always';
    const namespace = await readlink(join(procRoot, 'self/ns/pid')).catch(() => '');
    return namespace === firstPidNamespace;
  }
}

function describe(resource: ResourceDraft, { attributes, workloadName }: PodIdentity, containerId: string): void {
  if (containerId !== '') resource.fill(attributeNames.containerId, containerId);
  // A name of the process's own goes before that of its workload: the rule for names decides.
  for (const [key, value] of attributes) if (key !== attributeNames.serviceName) resource.fill(key, value);
  resource.workloadName = String(attributes.get(attributeNames.serviceName) ?? workloadName);
}

/** The key that the attributes of an association make; `undefined` where one of them is absent. */
function keyOf(association: readonly AssociationName[], resource: ResourceDraft): PodKey | undefined {
  if (association.length === 0 || association.some((name) => resource.text(name) === '')) return undefined;
  if (association.includes('container.id')) return `container ${resource.text('container.id')}`;
  if (association.includes('k8s.pod.uid')) return `uid ${resource.text('k8s.pod.uid')}`;
  if (association.includes('k8s.pod.name')) {
    return `name ${resource.text('k8s.namespace.name')}/${resource.text('k8s.pod.name')}`;
  }
  return association.includes('k8s.pod.ip') ? `ip ${resource.text('k8s.pod.ip')}` : undefined;
}

function selectorOf({ key, value, operation }: K8sAttributesConfig['filter']['labels'][number]): string {
  switch (operation) {
    case 'equals':
      return `${key}=${value}`;
    case 'not-equals':
      return `${key}!=${value}`;
    case 'exists':
      return key;
    case 'does-not-exist':
      return `!${key}`;
  }
}
