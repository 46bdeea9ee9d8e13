import { setFlagsFromString } from 'node:v8';

/** Of the objects that survived the last collection of the whole heap. */
const growthPercent = 200;

/**
 * Lets the heap and its buffers grow to three times of what survived the last collection before the whole heap is collected again.
 * Under load V8 would do so for every 8 MB of buffers, which messages make in a fraction of a second, and mark a small heap
 * that hardly changes again and again. Young collections free the buffers at a fraction of that cost. V8 itself lets a heap
 * grow up to four times when it is seldom collected, and keeps to the heap's limit.
 */
export function growHeapInLargeSteps(): void {
  setFlagsFromString(`--heap-growing-percent=${growthPercent}`);
}
