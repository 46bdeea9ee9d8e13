import type { Meter } from '@opentelemetry/api';
import type { ConfiguredComponent } from '../config/check-document.ts';
import { isOfType } from '../config/check-document.ts';
import { applyAction } from '../identity/resource/resource-actions.ts';
import { resourceType } from '../identity/resource/resource-config.ts';
import { ResourceChain } from '../identity/resource-chain.ts';
import type { ResourceRule } from '../identity/resource-rule.ts';
import { serviceNameRule } from '../identity/service-name.ts';

/** The rules of a pipeline's processors in their order. Without a rule of its own, the service gets its name last. */
export function createIdentity(
  processors: readonly (ConfiguredComponent | undefined)[],
  { meter }: { readonly meter: Meter },
): ResourceChain {
  const rules = processors.flatMap((processor): readonly ResourceRule[] => {
    if (isOfType(processor, resourceType)) {
      const { id, config } = processor;
      const apply: ResourceRule['apply'] = (resource) => {
        for (const action of config.actions) applyAction(action, resource);
        return true;
      };
      return [{ id, apply }];
    }
    return [];
  });
  return new ResourceChain([...rules, serviceNameRule], meter);
}
