import { lookup, lookupService } from 'node:dns/promises';
import type { AnyValue } from '../../otlp/profiles-data.ts';
import { loadPackage } from '../../support/program-files.ts';
import type { Host } from '../host.ts';
import { ApiClient } from '../kubernetes/api-client.ts';
import { parseResourceAttributes } from '../otel-variables.ts';
import type { DetectionConfig, DetectorName } from './detection-config.ts';

/** Attributes that a detector found. */
export type Detected = ReadonlyMap<string, AnyValue>;

/** Asks a detector of this node. Rejects when it cannot tell; the message says why. */
export function detect(
  name: Exclude<DetectorName, 'process'>,
  config: DetectionConfig,
  host: Host,
  signal: AbortSignal,
): Promise<Detected> {
  switch (name) {
    case 'env':
      return detectEnvironment(host);
    case 'system':
      return detectSystem(config.system, host);
    case 'k8s_api':
      return detectNode(config.oldKubernetes ?? config.kubernetes, host, signal);
    case 'ec2':
      return detectCloud(
        loadPackage<typeof import('@opentelemetry/resource-detector-aws')>('@opentelemetry/resource-detector-aws')
          .awsEc2Detector,
        config.ec2.attributes,
      );
    case 'azure':
      return detectCloud(
        loadPackage<typeof import('@opentelemetry/resource-detector-azure')>('@opentelemetry/resource-detector-azure')
          .azureVmDetector,
        config.azure.attributes,
      );
  }
}

async function detectEnvironment({ env }: Host): Promise<Detected> {
  const found = parseResourceAttributes(env.OTEL_RESOURCE_ATTRIBUTES ?? '');
  if (found === undefined) throw new Error('OTEL_RESOURCE_ATTRIBUTES is not of the form key=value,key=value');
  return found;
}

async function detectSystem({ hostnameSources, attributes }: DetectionConfig['system'], host: Host): Promise<Detected> {
  const release = attributes.has('os.name') || attributes.has('os.version') ? await osRelease(host) : new Map();
  const sources: Readonly<Record<string, () => AnyValue | Promise<AnyValue>>> = {
    'host.name': () => hostName(hostnameSources, host),
    'host.id': () => machineId(host),
    'host.arch': () => architectures[host.architecture] ?? host.architecture,
    'host.ip': () => host.addresses,
    'os.type': () => host.systemType.toLowerCase(),
    'os.name': () => release.get('NAME'),
    'os.version': () => release.get('VERSION_ID'),
    'os.description': () => `${host.systemType} ${host.hostname} ${host.systemRelease}`,
  };
  const found = new Map<string, AnyValue>();
  for (const name of attributes) {
    const value = await sources[name]!();
    if (value !== undefined && value !== '') found.set(name, value);
  }
  return found;
}

/** Names of the conventions (https://opentelemetry.io/docs/specs/semconv/registry/attributes/host/) for those of Node.js. */
const architectures: Readonly<Record<string, string>> = { x64: 'amd64', ia32: 'x86', arm: 'arm32', ppc64: 'ppc64' };

/** A container's short ID, which container engines make the name of its host. */
const containerName = /^[0-9a-f]{12}$/;

/** Empty where the system only knows the ID of a container: the machine is another. */
async function hostName(sources: readonly string[], { hostname }: Host): Promise<string> {
  if (containerName.test(hostname)) return '';
  for (const source of sources) {
    if (source === 'os') return hostname;
    try {
      const { address } = await lookup(hostname);
      const { hostname: full } = await lookupService(address, 0);
      if (full !== 'localhost' && full !== address) return full;
    } catch {
      // The resolver knows no name: the next source.
    }
  }
  return hostname;
}

/** Never of the hardware, which containers and copies of a machine share. */
async function machineId({ readText }: Host): Promise<string> {
  for (const path of ['/etc/machine-id', '/var/lib/dbus/machine-id']) {
    const id = await readText(path).catch(() => '');
    if (id.trim() !== '') return id.trim();
  }
  return '';
}

async function osRelease({ readText }: Host): Promise<ReadonlyMap<string, string>> {
  const text = await readText('/etc/os-release').catch(() => '');
  const entries = text.split('\n').map((line) => /^([A-Z_]+)="?(.*?)"?$/.exec(line));
  return new Map(entries.flatMap((entry) => (entry === null ? [] : [[entry[1]!, entry[2]!] as const])));
}

async function detectNode(
  { nodeVariable, attributes, authType, server }: DetectionConfig['kubernetes'],
  host: Host,
  signal: AbortSignal,
): Promise<Detected> {
  const node = host.env[nodeVariable] ?? '';
  if (node === '') {
    throw new Error(
      `${nodeVariable} is not set; set it from the downward API's spec.nodeName, or name another variable`,
    );
  }
  const client = new ApiClient({ authType, server }, host);
  const uidOf = async (path: string): Promise<string> => {
    const object = (await client.get(path, signal)) as { metadata?: { uid?: string } };
    return object.metadata?.uid ?? '';
  };
  const found = new Map<string, AnyValue>();
  if (attributes.has('k8s.node.name')) found.set('k8s.node.name', node);
  if (attributes.has('k8s.node.uid')) {
    found.set('k8s.node.uid', await uidOf(`/api/v1/nodes/${encodeURIComponent(node)}`));
  }
  if (attributes.has('k8s.cluster.uid')) {
    found.set('k8s.cluster.uid', await uidOf('/api/v1/namespaces/kube-system'));
  }
  return found;
}

/** Detector of OpenTelemetry for JavaScript (https://github.com/open-telemetry/opentelemetry-js-contrib/tree/main/packages). */
interface LibraryDetector {
  detect(): { readonly attributes?: Readonly<Record<string, unknown>> };
}

/** Asks a detector of a library. The library keeps a failure for itself, and tells nothing then. */
async function detectCloud(detector: LibraryDetector, attributes: ReadonlySet<string>): Promise<Detected> {
  const told = Object.entries(detector.detect().attributes ?? {}).map(
    async ([key, value]) => [key, await value] as const,
  );
  const known = (await Promise.all(told)).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  if (known.length === 0) {
    throw new Error(
      'the metadata service at 169.254.169.254 gave no answer; leave this detector out where the machine is of another cloud',
    );
  }
  return new Map(known.filter(([key, value]) => value !== '' && attributes.has(key)));
}
