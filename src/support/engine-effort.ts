import { setFlagsFromString } from 'node:v8';

/**
 * Flags of V8 for little effort of compiling, and for all of it; V8 lets them change while it runs. The code of a compiler that never ran is not in memory: that of
 * TurboFan, V8's last one, is 6 MiB, which one function in its hands brings and nothing takes away. Baseline code takes 2 MiB on a node, whose requests take the
 * same CPU time without it.
 */
const flags = {
  /** Until there is load. A collection of everything takes the code of WebAssembly's functions away, and they are compiled anew by the flags of that moment. */
  first:
    '--efficiency-mode --efficiency-mode-disable-turbofan --no-sparkplug --no-wasm-tier-up --no-wasm-dynamic-tiering',
  /** After load: functions that are compiled anew may meet it again. */
  sparing: '--efficiency-mode --efficiency-mode-disable-turbofan --no-sparkplug',
  full: '--no-efficiency-mode --sparkplug --wasm-tier-up --wasm-dynamic-tiering',
} as const;

let isSparing = false;
let hadLoad = false;

/** True while V8 compiles with little effort, as far as this thread was told. */
export function isEngineSparing(): boolean {
  return isSparing;
}

/** Sets the effort of the whole process, its threads included. */
export function spareEngine(sparing: boolean): void {
  if (sparing === isSparing) return;
  isSparing = sparing;
  hadLoad ||= !sparing;
  setFlagsFromString(flags[sparing ? (hadLoad ? 'sparing' : 'first') : 'full']);
}
