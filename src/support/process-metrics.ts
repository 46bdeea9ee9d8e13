import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Meter } from '@opentelemetry/api';
import type { Clock } from './clock.ts';

// The histogram samples a timer of this distance; a delay is what the timer is late by.
const resolutionMs = 20;
// Old enough for a hundredth part to mean something, young enough to show what is happening now.
const windowMs = 10_000;

/** Makes the metrics of the process that the Collector has, and the event loop's delay. Returns what ends them. */
export function observeProcess(meter: Meter, clock: Clock): () => void {
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
  return observeEventLoop(meter, clock);
}

function observeEventLoop(meter: Meter, clock: Clock): () => void {
  const delays = monitorEventLoopDelay({ resolution: resolutionMs });
  delays.enable();
  let windowStartMs = clock.nowMs();
  let seconds = 0;
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
  return () => void delays.disable();
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
