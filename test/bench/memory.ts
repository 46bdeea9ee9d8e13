import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Memory that V8 and its typed arrays hold after a collection. */
export function heldBytes(): number {
  collectGarbage();
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** What `make` makes, and how much memory it holds. */
export function measureBytes<T>(make: () => T): { readonly made: T; readonly bytes: number } {
  const before = heldBytes();
  const made = make();
  return { made, bytes: heldBytes() - before };
}
