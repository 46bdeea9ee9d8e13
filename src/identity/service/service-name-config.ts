import type { ProcessorType } from '../../config/component-type.ts';
import { flag, text } from '../../config/config-keys.ts';
import type { ConfigOf } from '../../config/config-table.ts';
import { configTable } from '../../config/config-table.ts';

const table = configTable({
  about:
    'Names the service of each resource: as sent, or by `OTEL_SERVICE_NAME` of its process, its workload, or its executable. It does so last in ' +
    'every pipeline; name it to read processes, or to have it work in another place.',
  keys: {
    readsProcesses: flag(
      'read_process_environment',
      { fallback: false },
      "`OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` are read from `/proc/PID/environ` of this node's processes, which needs root, or CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH, and in Kubernetes hostPID.",
    ),
    procRoot: text('proc_root', { fallback: '/proc' }, "Mount of the host's `/proc`."),
    hasDefault: flag(
      'unknown_service',
      { fallback: true },
      'A service that nothing names becomes `unknown_service:` and its executable; without this it gets no name.',
    ),
  },
  check: ({ procRoot }, section) => {
    if (!procRoot.startsWith('/')) {
      section.addProblem('proc_root', `"${procRoot}" is no absolute path`, 'write e.g. /proc');
    }
  },
});

export type ServiceNameConfig = ConfigOf<typeof table>;

/** Processor `service_name`. */
export const serviceNameType: ProcessorType<ServiceNameConfig> = {
  kind: 'processor',
  type: 'service_name',
  aliases: [],
  stability: 'alpha',
  table,
};
