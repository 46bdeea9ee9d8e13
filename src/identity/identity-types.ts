import type { ProcessorType } from '../config/component-type.ts';
import { resourceType } from './resource/resource-config.ts';

/** Processors of a pipeline that edit its resources, in the order in which they are named there. */
export const identityTypes: readonly ProcessorType<never>[] = [resourceType as ProcessorType<never>];
