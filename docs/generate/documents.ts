import { join } from 'node:path';
import { serviceTable } from '../../src/config/service-config.ts';
import { componentTypes } from '../../src/service/components.ts';
import { formatReference } from './reference.ts';
import { configSchema } from './schema.ts';

/** The documents that are made from the source; `npm run docs` writes them, and a test holds them to it. */
export function documents(): readonly { readonly path: string; readonly text: string }[] {
  const nothing = new Map<string, unknown>();
  const service = serviceTable({ receivers: nothing, processors: nothing, exporters: nothing, extensions: nothing });
  const schema = configSchema(componentTypes, service);
  return [
    { path: pathOf('configuration.md'), text: formatReference(componentTypes, service) },
    { path: pathOf('otel-config.schema.json'), text: `${JSON.stringify(schema, undefined, 2)}\n` },
  ];
}

function pathOf(name: string): string {
  return join(import.meta.dirname, '..', name);
}
