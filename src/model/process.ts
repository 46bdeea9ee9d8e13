/** One process as one collector sees it: the same process ID with another start time is another process. */
export interface Process {
  readonly pid: number;
  /** Process ID inside its own PID namespace; 0 when it is the same. */
  readonly namespacePid: number;
  /** Start time in Unix nanoseconds, or any number that differs between two uses of a process ID; 0 when unknown. */
  readonly startTimeNano: bigint;
  readonly comm: string;
  readonly executablePath: string;
  readonly containerId: string;
  readonly serviceName: string;
  /** Further resource attributes, e.g. `k8s.pod.name`. */
  readonly labels: ReadonlyMap<string, string>;
}
