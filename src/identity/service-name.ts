import { attributeNames } from '../profile/attribute-names.ts';
import { isServiceUnknown, unknownServiceOf } from '../profile/resources/service-name.ts';
import type { ResourceRule } from './resource-rule.ts';

/** Variable of a process that senders bring as an attribute. */
const serviceVariable = 'process.environment_variable.OTEL_SERVICE_NAME';

/**
 * Names the service that a resource is of: as sent, or by the variable that its process was started with, or by its workload, or by
 * its executable (https://opentelemetry.io/docs/specs/semconv/resource/service/).
 */
export const serviceNameRule: ResourceRule = {
  id: 'service_name',
  apply(resource) {
    if (resource.context.isServiceOnSamples || !isServiceUnknown(resource)) return true;
    const known = resource.text(serviceVariable) || resource.workloadName;
    if (known !== '') resource.set(attributeNames.serviceName, known);
    else resource.fill(attributeNames.serviceName, unknownServiceOf(resource));
    return true;
  },
};
