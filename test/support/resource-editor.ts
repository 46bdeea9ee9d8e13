import type { ResourceEditor } from '../../src/otlp/resource-edit.ts';
import { oneStep } from './one-step.ts';

/** An editor by its function for a list of resources. */
export function resourceEditor(
  edit: ResourceEditor['edit'],
  countDropped: ResourceEditor['countDropped'] = () => undefined,
): ResourceEditor {
  return { edit, editInSteps: (resources, context) => oneStep(() => edit(resources, context)), countDropped };
}
