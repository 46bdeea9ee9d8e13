/** Share of a core from which faster code pays for its compilation, and below which it does not any more. */
const busyShare = 0.05;
const quietShare = 0.02;
/** Long enough that one request, a collection of garbage, or the names of a node's first samples are no load. */
const windowMs = 30_000;
/** A load that takes so much of a core within a short time is one at once; a single request of any size is not. */
const floodShare = 0.15;
const floodWindowMs = 3_000;

/**
 * The effort of compiling, by the CPU time that the process takes. A node that sends a request in five seconds runs each function a few hundred times an
 * hour: to compile them with all optimizations takes more time than they save, and memory for as long as the process lives.
 */
export class CompileEffort {
  /** True while code is compiled with little effort. */
  isSparing = true;
  readonly #window: ShareWindow;
  readonly #floodWindow: ShareWindow;

  constructor(nowMs: number, cpuMs: number) {
    this.#window = new ShareWindow(windowMs, nowMs, cpuMs);
    this.#floodWindow = new ShareWindow(floodWindowMs, nowMs, cpuMs);
  }

  /** Notes the CPU time that the process has taken, at any time. */
  note(nowMs: number, cpuMs: number): void {
    const shortShare = this.#floodWindow.shareAt(nowMs, cpuMs);
    if (shortShare !== undefined && shortShare >= floodShare) this.isSparing = false;
    const share = this.#window.shareAt(nowMs, cpuMs);
    if (share === undefined) return;
    if (share >= busyShare) this.isSparing = false;
    else if (share < quietShare) this.isSparing = true;
  }
}

/** Share of a core that was taken in a window of time, which ends with the first note after `leastMs`, and is followed by the next. */
class ShareWindow {
  readonly #leastMs: number;
  #sinceMs: number;
  #sinceCpuMs: number;

  constructor(leastMs: number, nowMs: number, cpuMs: number) {
    this.#leastMs = leastMs;
    this.#sinceMs = nowMs;
    this.#sinceCpuMs = cpuMs;
  }

  /** `undefined` while the window is open. */
  shareAt(nowMs: number, cpuMs: number): number | undefined {
    const elapsedMs = nowMs - this.#sinceMs;
    if (elapsedMs < this.#leastMs) return undefined;
    const share = (cpuMs - this.#sinceCpuMs) / elapsedMs;
    this.#sinceMs = nowMs;
    this.#sinceCpuMs = cpuMs;
    return share;
  }
}
