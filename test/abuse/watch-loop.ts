import { existsSync, writeFileSync } from 'node:fs';

/*
 * Loaded into a service before its program (`node --import`). Once there is a file LOOP_FILE, writes into it the longest stop of the event
 * loop since then, in milliseconds of CPU time of its thread: time in which other processes had the core does not count.
 */
const path = process.env.LOOP_FILE!;
let isWatched = false;
let last = process.threadCpuUsage();
let longestMs = 0;

setInterval(() => {
  const now = process.threadCpuUsage();
  const tookMs = (now.user + now.system - last.user - last.system) / 1000;
  if (isWatched && tookMs > longestMs) {
    longestMs = tookMs;
    writeFileSync(path, String(longestMs));
  }
  isWatched ||= existsSync(path);
  last = process.threadCpuUsage();
}, 1).unref();
