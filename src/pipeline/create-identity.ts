import { isDeepStrictEqual } from 'node:util';
import type { ConfiguredComponent } from '../config/check-document.ts';
import { isOfType } from '../config/check-document.ts';
import { detectionType } from '../identity/detection/detection-config.ts';
import { ResourceDetection } from '../identity/detection/resource-detection.ts';
import { filterType } from '../identity/filter/filter-config.ts';
import { createFilterRule } from '../identity/filter/filter-rule.ts';
import { thisHost } from '../identity/host.ts';
import { K8sAttributes } from '../identity/kubernetes/k8s-attributes.ts';
import { k8sAttributesType } from '../identity/kubernetes/k8s-attributes-config.ts';
import { serviceVariables } from '../identity/otel-variables.ts';
import { ProcessReader } from '../identity/processes/process-reader.ts';
import { applyAction } from '../identity/resource/resource-actions.ts';
import type { ResourceConfig } from '../identity/resource/resource-config.ts';
import { resourceType } from '../identity/resource/resource-config.ts';
import { ResourceChain } from '../identity/resource-chain.ts';
import type { ResourceRule } from '../identity/resource-rule.ts';
import { serviceNameType } from '../identity/service/service-name-config.ts';
import { createServiceNameRule } from '../identity/service/service-name-rule.ts';
import type { ResourceEditor } from '../otlp/resource-edit.ts';
import type { Component } from '../support/lifecycle.ts';
import { componentLogger } from '../support/logger.ts';
import type { PipelineParts } from './pipeline.ts';

/** Identity of a pipeline's resources, and the parts of it that have a start and a stop. */
export interface Identity {
  readonly editor: ResourceEditor;
  readonly components: readonly Component[];
  /** Takes the configuration of processors that change in place; rules of all others stay. */
  reconfigure(processors: Processors): void;
}

type Processors = readonly (ConfiguredComponent | undefined)[];

interface PlacedRule {
  readonly processor: ConfiguredComponent;
  readonly rule: ResourceRule | (ResourceRule & Component);
}

/** The rules of a pipeline's processors in their order. Without a processor for it, the service gets its name last. */
export function createIdentity(processors: Processors, parts: PipelineParts): Identity {
  const hasNames = processors.some((processor) => isOfType(processor, serviceNameType));
  const last = hasNames ? [] : [createServiceNameRule('service_name', { hasDefault: true })];
  const chainOf = (placed: readonly PlacedRule[]): ResourceEditor =>
    new ResourceChain([...placed.map(({ rule }) => rule), ...last], parts.meter);
  let placed = placeRules(processors, [], parts);
  let chain = chainOf(placed);
  return {
    editor: {
      edit: (resources, context) => chain.edit(resources, context),
      editInSteps: (resources, context) => chain.editInSteps(resources, context),
      // Absent where no rule looks anything up: requests are not edited in vain then.
      get foresee() {
        return chain.foresee;
      },
      get settled() {
        return chain.settled;
      },
      countDropped: (by, samples) => chain.countDropped(by, samples),
    },
    components: placed.map(({ rule }) => rule).filter((rule): rule is ResourceRule & Component => 'start' in rule),
    reconfigure: (next) => {
      placed = placeRules(next, placed, parts);
      chain = chainOf(placed);
    },
  };
}

/** A rule for each processor that has one: one of `before` where its configuration is the same. */
function placeRules(processors: Processors, before: readonly PlacedRule[], parts: PipelineParts): PlacedRule[] {
  return processors.flatMap((processor) => {
    if (processor === undefined) return [];
    const same = before.find(({ processor: { id, written } }) => {
      return id === processor.id && isDeepStrictEqual(written, processor.written);
    });
    const rule = same?.rule ?? createRule(processor, parts);
    return rule === undefined ? [] : [{ processor, rule }];
  });
}

/** The rule of a processor; `undefined` for one that has none. */
function createRule(
  processor: ConfiguredComponent | undefined,
  parts: PipelineParts,
): ResourceRule | (ResourceRule & Component) | undefined {
  const { random, clock, logger, host = thisHost() } = parts;
  if (isOfType(processor, resourceType)) return createResourceRule(processor.id, processor.config);
  if (isOfType(processor, filterType)) return createFilterRule(processor.id, processor.config, random);
  if (isOfType(processor, detectionType)) {
    const { id, config } = processor;
    const hasProcesses = config.detectors.includes('process');
    const { procRoot } = config.process;
    const processes = hasProcesses ? new ProcessReader({ procRoot, variables: [] }, parts) : undefined;
    return new ResourceDetection(id, config, {
      host,
      clock,
      logger: componentLogger(logger, 'processor', id),
      processes,
    });
  }
  if (isOfType(processor, k8sAttributesType)) {
    const { id, config } = processor;
    return new K8sAttributes(id, config, { ...parts, host, logger: componentLogger(logger, 'processor', id) });
  }
  if (isOfType(processor, serviceNameType)) {
    const { readsProcesses, procRoot } = processor.config;
    const variables = serviceVariables;
    const processes = readsProcesses ? new ProcessReader({ procRoot, variables }, parts) : undefined;
    return createServiceNameRule(processor.id, processor.config, processes);
  }
  return undefined;
}

function createResourceRule(id: string, { actions }: ResourceConfig): ResourceRule {
  return {
    id,
    revision: 0,
    apply(resource) {
      for (const action of actions) applyAction(action, resource);
      return true;
    },
  };
}
