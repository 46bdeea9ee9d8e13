/**
 * Attributes in the value of `OTEL_RESOURCE_ATTRIBUTES`, of which the last of a key counts; `undefined` for a value at fault, which is
 * ignored as a whole (https://opentelemetry.io/docs/specs/otel/resource/sdk/).
 */
export function parseResourceAttributes(text: string): ReadonlyMap<string, string> | undefined {
  const attributes = new Map<string, string>();
  for (const entry of text.split(',')) {
    if (entry.trim() === '') continue;
    const parts = entry.split('=');
    const key = decoded(parts[0]!);
    const value = parts.length === 2 ? decoded(parts[1]!) : undefined;
    if (key === undefined || key === '' || value === undefined) return undefined;
    attributes.set(key, value);
  }
  return attributes;
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text.trim());
  } catch {
    return undefined;
  }
}

/** Variables of a process that name its service. */
export const serviceVariables = ['OTEL_SERVICE_NAME', 'OTEL_RESOURCE_ATTRIBUTES'] as const;

/** The service that a process's variables name; empty where they name none. */
export function serviceOfVariables(variable: (name: (typeof serviceVariables)[number]) => string): string {
  const name = variable('OTEL_SERVICE_NAME');
  if (name !== '') return name;
  return parseResourceAttributes(variable('OTEL_RESOURCE_ATTRIBUTES'))?.get('service.name') ?? '';
}
