import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import type { Meter } from '@opentelemetry/api';
import type { Clock } from './clock.ts';
import { everyInterval } from './clock.ts';

// The histogram samples a timer of this distance; a delay is what the timer is late by.
const resolutionMs = 20;
// Old enough for a hundredth part to mean something, young enough to show what is happening now.
const windowMs = 10_000;
const leastUtilization = 0.01;

/** The event loop as it is measured. */
export interface LoopMonitor {
  readonly delays: Pick<
    ReturnType<typeof monitorEventLoopDelay>,
    'enable' | 'disable' | 'reset' | 'count' | 'percentile'
  >;
  /** Share of the time since the last call in which the loop did not wait. */
  utilization(): number;
}

function monitorLoop(): LoopMonitor {
  let last = performance.eventLoopUtilization();
  let lastCpu = process.cpuUsage();
  const utilization = (): number => {
    const now = performance.eventLoopUtilization();
    const { idle, active, utilization } = performance.eventLoopUtilization(now, last);
    last = now;
    const { user, system } = process.cpuUsage(lastCpu);
    lastCpu = process.cpuUsage();
    return busyShare(utilization, (user + system) / 1000 / Math.max(1, idle + active));
  };
  return { delays: monitorEventLoopDelay({ resolution: resolutionMs }), utilization };
}

/**
 * Share of the time in which the loop has work. Where others have the processors, a loop without work seems busy for some per cent,
 * while it waits for its turn: then the CPU time of the process tells. A loop that waits for a disk is busy without CPU time.
 */
export function busyShare(loopShare: number, cpuShare: number): number {
  return loopShare < mostShareOfWaiting ? Math.min(loopShare, cpuShare) : loopShare;
}

const mostShareOfWaiting = 0.05;

/** Makes the metrics of the process that the Collector has, and the event loop's delay. Returns what ends them. */
export function observeProcess(meter: Meter, clock: Clock, loop: LoopMonitor = monitorLoop()): () => void {
  const startMs = clock.nowMs();
  meter
    .createObservableCounter('otelcol_process_uptime', { description: 'Uptime of the process.', unit: 's' })
    .addCallback((result) => result.observe((clock.nowMs() - startMs) / 1000));
  meter
    .createObservableCounter('otelcol_process_cpu_seconds', {
      description: 'Total CPU user and system time in seconds.',
      unit: 's',
    })
    .addCallback((result) => result.observe(cpuSeconds()));
  meter
    .createObservableGauge('otelcol_process_memory_rss', {
      description: 'Total physical memory (resident set size).',
      unit: 'By',
    })
    .addCallback((result) => result.observe(process.memoryUsage.rss()));
  meter
    .createObservableGauge('otelcol_process_runtime_heap_alloc_bytes', {
      description: 'Bytes of allocated heap objects, as V8 counts them.',
      unit: 'By',
    })
    .addCallback((result) => result.observe(process.memoryUsage().heapUsed));
  return observeEventLoop(meter, clock, loop);
}

/**
 * The delay is sampled only while the loop is busy for a hundredth of the time: below that, a hundredth of the samples cannot
 * be late, and the sampling would be most of what an idle process does.
 */
function observeEventLoop(meter: Meter, clock: Clock, { delays, utilization }: LoopMonitor): () => void {
  const stopping = new AbortController();
  let windowStartMs = clock.nowMs();
  let seconds = 0;
  delays.enable();
  void everyInterval(
    clock,
    stopping.signal,
    () => windowMs,
    () => {
      if (utilization() >= leastUtilization) delays.enable();
      else if (delays.disable()) {
        delays.reset();
        seconds = 0;
      }
    },
  );
  meter
    .createObservableGauge('framekeeper_event_loop_delay_seconds', {
      description: 'By how much the event loop was late, 99th percentile of the last 10 s or more.',
      unit: 's',
    })
    .addCallback((result) => {
      if (delays.count > 0) seconds = Math.max(0, delays.percentile(99) / 1e9 - resolutionMs / 1e3);
      if (clock.nowMs() - windowStartMs >= windowMs) {
        delays.reset();
        windowStartMs = clock.nowMs();
      }
      result.observe(seconds);
    });
  return () => {
    stopping.abort();
    delays.disable();
  };
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
