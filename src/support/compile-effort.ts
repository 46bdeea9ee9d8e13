/** Share of a core from which faster code pays for its compilation, and below which it does not any more. */
const busyShare = 0.05;
const quietShare = 0.02;
/** Long enough that one request, a collection of garbage, or the names of a node's first samples are no load. */
const windowMs = 30_000;
/** A load that takes so much of a core is one at once. */
const floodShare = 0.3;
const floodWindowMs = 1_000;

/**
 * The effort of compiling, by the CPU time that the process takes. A node that sends a request in five seconds runs each function a few hundred times an
 * hour: to compile them with all optimizations takes more time than they save, and memory for as long as the process lives.
 */
export class CompileEffort {
  /** True while code is compiled with little effort. */
  isSparing = true;
  #sinceMs: number;
  #sinceCpuMs: number;

  constructor(nowMs: number, cpuMs: number) {
    this.#sinceMs = nowMs;
    this.#sinceCpuMs = cpuMs;
  }

  /** Notes the CPU time that the process has taken, at any time. */
  note(nowMs: number, cpuMs: number): void {
    const elapsedMs = nowMs - this.#sinceMs;
    if (elapsedMs < floodWindowMs) return;
    const share = (cpuMs - this.#sinceCpuMs) / elapsedMs;
    if (elapsedMs < windowMs && share < floodShare) return;
    if (share >= busyShare) this.isSparing = false;
    else if (share < quietShare) this.isSparing = true;
    this.#sinceMs = nowMs;
    this.#sinceCpuMs = cpuMs;
  }
}
