import { writeFileSync } from 'node:fs';

/*
 * Loaded into a service before its program (`node --import`): notes in the file that LOOP_FILE names the longest stop of the event loop, in
 * milliseconds of CPU time of its thread. Time in which other processes had the core does not count.
 */
const path = process.env.LOOP_FILE!;
// Until the service listens and its code is warm, stops are those of the start.
const startMs = performance.now();
const startupMs = 3_000;
let last = process.threadCpuUsage();
let longestMs = 0;

setInterval(() => {
  const now = process.threadCpuUsage();
  const tookMs = (now.user + now.system - last.user - last.system) / 1000;
  last = now;
  if (tookMs <= longestMs || performance.now() - startMs < startupMs) return;
  longestMs = tookMs;
  writeFileSync(path, String(longestMs));
  last = process.threadCpuUsage();
}, 1).unref();
