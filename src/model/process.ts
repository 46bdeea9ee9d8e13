/** Identity of a process among those of one collector: the same ID with another start time is another process. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Unix nanoseconds, or any number that differs between two uses of a process ID; 0 when unknown. */
  readonly startTimeNano: bigint;
}

/** One process as one collector sees it. */
export interface Process extends ProcessIdentity {
  /** Process ID inside its own PID namespace; 0 when it is the same. */
  readonly namespacePid: number;
  readonly comm: string;
  readonly executablePath: string;
  readonly containerId: string;
  readonly serviceName: string;
  /** Further resource attributes, e.g. `k8s.pod.name`. */
  readonly labels: ReadonlyMap<string, string>;
}

/** True if two processes are told alike, their labels aside. */
export function isToldAlike(a: Process, b: Process): boolean {
  return (
    a.pid === b.pid &&
    a.startTimeNano === b.startTimeNano &&
    a.namespacePid === b.namespacePid &&
    a.comm === b.comm &&
    a.executablePath === b.executablePath &&
    a.containerId === b.containerId &&
    a.serviceName === b.serviceName
  );
}
