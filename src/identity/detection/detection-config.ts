import type { ProcessorType } from '../../config/component-type.ts';
import { converted, duration, flag, section, sectionIfPresent, text, textList } from '../../config/config-keys.ts';
import type { ConfigKey, ConfigOf, ConfigTable } from '../../config/config-table.ts';
import { configTable } from '../../config/config-table.ts';
import { apiServerKeys } from '../kubernetes/api-config.ts';

/** Detectors by the name that they have here. */
const detectorNames = ['env', 'system', 'process', 'k8s_api', 'ec2', 'azure'] as const;

export type DetectorName = (typeof detectorNames)[number];

/** Older names of the Collector's. */
const detectorAliases: Readonly<Record<string, DetectorName>> = { k8snode: 'k8s_api', k8s_node: 'k8s_api' };

/** Attributes of a detector that are switched on. */
type EnabledAttributes = ReadonlySet<string>;

function attributes(defaults: Readonly<Record<string, boolean>>): ConfigKey<EnabledAttributes> {
  const keys = Object.fromEntries(
    Object.entries(defaults).map(([name, fallback]) => {
      const table = configTable({
        about: `Attribute \`${name}\`.`,
        keys: { enabled: flag('enabled', { fallback }, `Switches \`${name}\` on.`) },
      });
      return [name, section(name, table)];
    }),
  );
  const table = configTable({ about: 'Attributes of the detector, each with `enabled`.', keys }, (values) => {
    const entries = Object.entries(values as Readonly<Record<string, { readonly enabled: boolean }>>);
    return new Set(entries.filter(([, { enabled }]) => enabled).map(([name]) => name));
  });
  return section('resource_attributes', table as ConfigTable<EnabledAttributes>);
}

const systemTable = configTable({
  about: 'Detector `system`: the machine that Framekeeper runs on.',
  keys: {
    hostnameSources: textList(
      'hostname_sources',
      { fallback: ['dns', 'os'], choices: ['dns', 'os'] },
      'Sources of `host.name`, the first that knows one: the resolver (a full name), the system.',
    ),
    attributes: attributes({
      'host.name': true,
      'os.type': true,
      'host.id': false,
      'host.arch': false,
      'host.ip': false,
      'os.name': false,
      'os.version': false,
      'os.description': false,
    }),
  },
});

const processTable = configTable({
  about:
    "Detector `process`: the process that a profile is of, by `process.pid` in `/proc`, where the sender left something out. It must see the node's processes: in Kubernetes hostPID.",
  keys: {
    procRoot: text('proc_root', { fallback: '/proc' }, "Mount of the host's `/proc`."),
    attributes: attributes({
      'process.executable.name': true,
      'process.executable.path': true,
      'container.id': true,
    }),
  },
});

const kubernetesTable = configTable({
  about: 'Detector `k8s_api` (older name `k8snode`): the Kubernetes node.',
  keys: {
    nodeVariable: text(
      'node_from_env_var',
      { fallback: 'K8S_NODE_NAME' },
      "Variable with the node's name, from the downward API's `spec.nodeName`.",
    ),
    attributes: attributes({ 'k8s.node.name': true, 'k8s.node.uid': true, 'k8s.cluster.uid': false }),
    ...apiServerKeys,
  },
});

const ec2Table = configTable({
  about:
    'Detector `ec2`: the instance of Amazon EC2, by its metadata service (IMDSv2); from a pod its hop limit must be 2.',
  keys: {
    attributes: attributes({
      'cloud.provider': true,
      'cloud.platform': true,
      'cloud.account.id': true,
      'cloud.region': true,
      'cloud.availability_zone': true,
      'host.id': true,
      'host.name': true,
      'host.type': true,
    }),
  },
});

const azureTable = configTable({
  about: 'Detector `azure`: the virtual machine of Azure, by its metadata service.',
  keys: {
    attributes: attributes({
      'cloud.provider': true,
      'cloud.platform': true,
      'cloud.region': true,
      'cloud.resource_id': true,
      'azure.vm.scaleset.name': true,
      'azure.vm.sku': true,
      'host.id': true,
      'host.name': true,
      'host.type': true,
      'os.version': true,
    }),
  },
});

const table = configTable({
  about:
    'Adds attributes of the environment, the machine, the process, the Kubernetes node and the cloud. The first detector that knows an attribute sets it.',
  source:
    'https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/processor/resourcedetectionprocessor#readme',
  keys: {
    detectors: converted(
      textList(
        'detectors',
        { fallback: ['env'], choices: [...detectorNames, ...Object.keys(detectorAliases)] },
        'Detectors in the order in which they are asked.',
      ),
      (names, own): readonly DetectorName[] =>
        names.flatMap((name, index) => {
          const known = detectorNames.find((each) => each === name) ?? detectorAliases[name];
          if (known !== undefined) return [known];
          const remedy = `write one of ${detectorNames.join(', ')}; what others tell can stand in OTEL_RESOURCE_ATTRIBUTES`;
          own.addProblem(`detectors[${index}]`, `"${name}" is not known here`, remedy);
          return [];
        }),
    ),
    timeoutMs: duration('timeout', { fallback: 5_000, min: 1, max: 600_000 }, 'Longest time for one detector.'),
    overrides: flag(
      'override',
      { fallback: false },
      'Attributes that a sender sent are replaced. Unlike in the Collector this is off: profiles may come from other machines.',
    ),
    refreshMs: duration(
      'refresh_interval',
      { fallback: 0, min: 0, max: 86_400_000 },
      'Interval after which detectors are asked again; 0 asks them once.',
    ),
    failsOnMissing: flag(
      'fail_on_missing_metadata',
      { fallback: false },
      'The start fails with a detector; otherwise it is said once, and profiles go without its attributes.',
    ),
    system: section('system', systemTable),
    process: section('process', processTable),
    kubernetes: section('k8s_api', kubernetesTable),
    ec2: section('ec2', ec2Table),
    azure: section('azure', azureTable),
    oldKubernetes: sectionIfPresent('k8snode', kubernetesTable, 'Older name of `k8s_api`.'),
  },
  ignored: {
    retry: 'a detector that fails is asked again after refresh_interval',
    attributes: 'each detector has its own resource_attributes',
  },
});

export type DetectionConfig = ConfigOf<typeof table>;

/** Processor `resource_detection`. */
export const detectionType: ProcessorType<DetectionConfig> = {
  kind: 'processor',
  type: 'resource_detection',
  aliases: ['resourcedetection'],
  stability: 'alpha',
  table,
};
