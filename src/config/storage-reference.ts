import { componentIdRemedy, parseComponentId } from './component-id.ts';
import type { ConfigSection } from './config-section.ts';

/** Reads `storage`: the identifier of an extension that keeps something on disk; empty when there is none. */
export function readStorageReference(section: ConfigSection): string {
  const text = section.string('storage', '');
  const parsed = text === '' ? undefined : parseComponentId(text);
  if (typeof parsed === 'string') section.addProblem('storage', parsed, componentIdRemedy);
  return typeof parsed === 'object' ? parsed.id : '';
}
