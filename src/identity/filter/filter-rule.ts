import type { SampleFilter } from '../../otlp/resource-edit.ts';
import type { ResourceRule } from '../resource-rule.ts';
import type { FilterConfig } from './filter-config.ts';

/** Drops resources, and where the configuration asks for more, leaves filters for their samples. `random` gives [0, 1). */
export function createFilterRule(id: string, config: FilterConfig, random: () => number): ResourceRule {
  const { conditions, include, exclude, share } = config;
  const only: SampleFilter | undefined = include?.stack && { by: id, keepsStack: include.stack };
  const not: SampleFilter | undefined = exclude?.stack && {
    by: id,
    keepsStack: (types) => exclude.stack?.(types) !== true,
  };
  const some: SampleFilter | undefined =
    share < 1 ? { by: id, share, keepsObservation: () => random() < share } : undefined;
  return {
    id,
    // Chance decides about samples, by the filters that are left for them.
    revision: 0,
    apply(resource) {
      if (conditions.some((holds) => holds(resource))) return false;
      if (include?.resource?.(resource) === false) return false;
      const isExcluded = exclude !== undefined && exclude.resource?.(resource) !== false;
      if (isExcluded && not === undefined) return false;
      if (share === 0) return false;
      for (const each of [only, isExcluded ? not : undefined, some]) if (each !== undefined) resource.addFilter(each);
      return true;
    },
  };
}
