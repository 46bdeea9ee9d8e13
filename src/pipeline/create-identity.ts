import type { ConfiguredComponent } from '../config/check-document.ts';
import { isOfType } from '../config/check-document.ts';
import { filterType } from '../identity/filter/filter-config.ts';
import { createFilterRule } from '../identity/filter/filter-rule.ts';
import { serviceVariables } from '../identity/otel-variables.ts';
import { ProcessReader } from '../identity/processes/process-reader.ts';
import { applyAction } from '../identity/resource/resource-actions.ts';
import type { ResourceConfig } from '../identity/resource/resource-config.ts';
import { resourceType } from '../identity/resource/resource-config.ts';
import { ResourceChain } from '../identity/resource-chain.ts';
import type { ResourceRule } from '../identity/resource-rule.ts';
import type { ServiceNameConfig } from '../identity/service/service-name-config.ts';
import { serviceNameType } from '../identity/service/service-name-config.ts';
import { createServiceNameRule } from '../identity/service/service-name-rule.ts';
import type { PipelineParts } from './pipeline.ts';

/** The rules of a pipeline's processors in their order. Without a processor for it, the service gets its name last. */
export function createIdentity(
  processors: readonly (ConfiguredComponent | undefined)[],
  parts: PipelineParts,
): ResourceChain {
  const rules = processors.flatMap((processor) => createRule(processor, parts) ?? []);
  const hasNames = processors.some((processor) => isOfType(processor, serviceNameType));
  const last = hasNames ? [] : [createServiceNameRule('service_name', { hasDefault: true })];
  return new ResourceChain([...rules, ...last], parts.meter);
}

/** The rule of a processor; `undefined` for one that has none. */
function createRule(processor: ConfiguredComponent | undefined, parts: PipelineParts): ResourceRule | undefined {
  if (isOfType(processor, resourceType)) return createResourceRule(processor.id, processor.config);
  if (isOfType(processor, filterType)) return createFilterRule(processor.id, processor.config, parts.random);
  if (isOfType(processor, serviceNameType)) return createNameRule(processor.id, processor.config, parts);
  return undefined;
}

function createResourceRule(id: string, { actions }: ResourceConfig): ResourceRule {
  return {
    id,
    apply(resource) {
      for (const action of actions) applyAction(action, resource);
      return true;
    },
  };
}

function createNameRule(id: string, config: ServiceNameConfig, parts: PipelineParts): ResourceRule {
  const { readsProcesses, procRoot } = config;
  const processes = readsProcesses ? new ProcessReader({ procRoot, variables: serviceVariables }, parts) : undefined;
  return createServiceNameRule(id, config, processes);
}
