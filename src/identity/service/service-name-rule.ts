import { attributeNames } from '../../profile/attribute-names.ts';
import { isServiceUnknown, unknownServiceOf } from '../../profile/resources/service-name.ts';
import { serviceOfVariables } from '../otel-variables.ts';
import type { ProcessReader } from '../processes/process-reader.ts';
import { pidOf } from '../resource-draft.ts';
import type { ResourceRule } from '../resource-rule.ts';

/** Start of the attributes in which senders bring variables of a process. */
const variablePrefix = 'process.environment_variable.';

/**
 * Names the service that a resource is of: as sent, or by the variables that its process was started with, or by its workload, or by
 * its executable (https://opentelemetry.io/docs/specs/semconv/resource/service/). `processes` reads variables that no sender brings.
 */
export function createServiceNameRule(
  id: string,
  { hasDefault }: { readonly hasDefault: boolean },
  processes?: Pick<ProcessReader, 'lookUp' | 'settled'>,
): ResourceRule {
  return {
    id,
    revision: processes === undefined ? 0 : undefined,
    apply(resource) {
      if (resource.context.isServiceOnSamples || !isServiceUnknown(resource)) return true;
      const read = processes?.lookUp(pidOf(resource))?.variables;
      const known =
        serviceOfVariables((name) => resource.text(variablePrefix + name)) ||
        serviceOfVariables((name) => read?.get(name) ?? '') ||
        resource.workloadName;
      if (known !== '') resource.set(attributeNames.serviceName, known);
      else if (hasDefault) resource.fill(attributeNames.serviceName, unknownServiceOf(resource));
      return true;
    },
    ...(processes && { settled: () => processes.settled() }),
  };
}
