// Preloaded into the service: longest stops of its event loop, by CPU time of the main thread, in slots of LOOP_STOPS_SLOT_MS.
// Written at the end to LOOP_STOPS_FILE as a JSON array of milliseconds.
import { writeFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

const { LOOP_STOPS_FILE: file, LOOP_STOPS_SLOT_MS: slotMs } = process.env;

if (isMainThread && file !== undefined) {
  const longest = [];
  let lastCpuMs = 0;
  // Between two of these callbacks lies a turn of the loop, or several short ones.
  setInterval(() => {
    // Linux brings the time of a running thread up to date at ticks of its scheduler, 4 ms apart; and at a question for the whole process.
    process.cpuUsage();
    const { user, system } = process.threadCpuUsage();
    const cpuMs = (user + system) / 1000;
    const slot = Math.floor(performance.now() / Number(slotMs));
    longest[slot] = Math.max(longest[slot] ?? 0, cpuMs - lastCpuMs);
    lastCpuMs = cpuMs;
  }, 1).unref();
  process.on('exit', () => writeFileSync(file, JSON.stringify(longest)));
}
