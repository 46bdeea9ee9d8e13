import { basename } from 'node:path/posix';
import type { AnyValue, KeyValue, Resource } from '../../otlp/profiles-data.ts';
import { attributeNames } from '../attribute-names.ts';
import type { WindowResource } from './window-contents.ts';

/**
 * A sampled process as an OTLP resource. Attributes of the process go before those of its collector. `service.name` is there where the
 * collector sent it.
 */
export function resourceOf({ collectorAttributes, process }: WindowResource): Resource {
  const attributes = new Map<string, AnyValue>(collectorAttributes);
  for (const [key, value] of process.labels) attributes.set(key, value);
  const executableName = basename(process.executablePath) || process.comm;
  attributes.set(attributeNames.processPid, BigInt(process.pid));
  setText(attributes, attributeNames.containerId, process.containerId);
  setText(attributes, attributeNames.processExecutablePath, process.executablePath);
  setText(attributes, attributeNames.processExecutableName, executableName);
  setText(attributes, attributeNames.serviceName, process.serviceName);
  return { attributes: [...attributes].map(([key, value]): KeyValue => ({ key, value })), droppedAttributesCount: 0 };
}

function setText(attributes: Map<string, AnyValue>, key: string, value: string): void {
  if (value !== '') attributes.set(key, value);
}
