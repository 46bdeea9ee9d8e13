import type { ProcessorType } from '../config/component-type.ts';
import { detectionType } from './detection/detection-config.ts';
import { filterType } from './filter/filter-config.ts';
import { k8sAttributesType } from './kubernetes/k8s-attributes-config.ts';
import { resourceType } from './resource/resource-config.ts';
import { serviceNameType } from './service/service-name-config.ts';

/** Processors of a pipeline that edit its resources, in the pipeline's order. */
export const identityTypes: readonly ProcessorType<never>[] = [
  resourceType as ProcessorType<never>,
  filterType as ProcessorType<never>,
  detectionType as ProcessorType<never>,
  k8sAttributesType as ProcessorType<never>,
  serviceNameType as ProcessorType<never>,
];
