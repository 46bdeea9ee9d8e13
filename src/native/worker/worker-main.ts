import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../support/clock.ts';
import type { SymbolizeRequest, WorkerOptions } from './messages.ts';
import { Symbolizer } from './symbolize.ts';

// The thread that reads executables: a file that is damaged, or made to harm, costs this thread and nothing else.
const options = workerData as WorkerOptions;
const symbolizer = new Symbolizer(options);
const port = parentPort!;
let requests = Promise.resolve();
let isResting = false;

port.on('message', (request: SymbolizeRequest) => {
  requests = requests.then(async () => {
    port.postMessage(await symbolizer.answer(request, systemClock.nowMs()));
    void rest();
  });
});

/** Closes files that nobody asks for any more, between requests; ends when none is open. */
async function rest(): Promise<void> {
  if (isResting) return;
  isResting = true;
  while (!symbolizer.isEmpty) {
    await systemClock.sleep(options.idleMs);
    requests = requests.then(() => symbolizer.rest(systemClock.nowMs()));
    await requests;
  }
  isResting = false;
}
