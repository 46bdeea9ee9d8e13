/** Container and pod of a process by the names of its control groups; empty where they tell none. */
export interface ContainerOfProcess {
  /** As container runtimes write it, without their prefix: 64 hexadecimal digits, or those of a task with a number. */
  readonly containerId: string;
  readonly podUid: string;
}

/** ID of a container in one segment of a path: `cri-containerd-ID.scope`, `ID`, `slice:cri-containerd:ID`. */
const containerSegment = /(?:^|[:_-])([0-9a-f]{64}|[0-9a-f]{32}-\d{1,20})(?:\.scope)?$/;
/** Monitors of containers, which are not in them. */
const monitorSegment = /^(?:crio|libpod)-conmon-/;
/** UID of a pod somewhere in a path; systemd writes underscores, and a static pod's has no separators. */
const podPart =
  /(?:^|[/-])pod([0-9a-f]{8}[-_]?[0-9a-f]{4}[-_]?[0-9a-f]{4}[-_]?[0-9a-f]{4}[-_]?[0-9a-f]{12})(?=[./:]|$)/i;

/** Longer lines are no paths of control groups. */
const maxLineLength = 4096;

/**
 * Reads `/proc/PID/cgroup` of either version of control groups
 * (https://man7.org/linux/man-pages/man7/cgroups.7.html). Of containers in containers, the innermost one counts.
 */
export function readControlGroups(text: string): ContainerOfProcess {
  const paths = text.split('\n').flatMap((line) => {
    const parts = line.length > maxLineLength ? null : /^\d+:([^:]*):(.*)$/.exec(line);
    return parts === null ? [] : [{ isUnified: parts[1] === '', path: parts[2]!.replace(/ \(deleted\)$/, '') }];
  });
  // In hybrid systems the unified line may say nothing.
  const ordered = [...paths.filter(({ isUnified }) => isUnified), ...paths.filter(({ isUnified }) => !isUnified)];
  let podUid = '';
  for (const { path } of ordered) {
    podUid ||= podUidOf(path);
    const containerId = containerIdOf(path);
    if (containerId !== '') return { containerId, podUid: podUidOf(path) || podUid };
  }
  return { containerId: '', podUid };
}

function containerIdOf(path: string): string {
  for (const segment of path.split('/').reverse()) {
    const [, id] = monitorSegment.test(segment) ? [] : (containerSegment.exec(segment) ?? []);
    if (id !== undefined) return id;
  }
  return '';
}

function podUidOf(path: string): string {
  return podPart.exec(path)?.[1]?.replaceAll('_', '-') ?? '';
}
