import { existsSync, writeFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

/*
 * Loaded into a service before its program (`node --import`). Once there is a file LOOP_FILE, writes into it the longest stop of the event
 * loop since then, in milliseconds of CPU time of its thread: time in which other processes had the core does not count.
 */
const path = process.env.LOOP_FILE!;
let isWatched = false;
let last = threadCpuUsage();
let longestMs = 0;

function watch(): void {
  const now = threadCpuUsage();
  const tookMs = (now.user + now.system - last.user - last.system) / 1000;
  if (isWatched && tookMs > longestMs) {
    longestMs = tookMs;
    writeFileSync(path, String(longestMs));
  }
  isWatched ||= existsSync(path);
  last = threadCpuUsage();
}

function threadCpuUsage(): NodeJS.CpuUsage {
  // Linux brings the time of a running thread up to date at ticks of its scheduler, 4 ms apart; and at a question for the whole process.
  process.cpuUsage();
  return process.threadCpuUsage();
}

// Threads of the service load this as well, and stop for as long as they like.
if (isMainThread) setInterval(watch, 1).unref();
