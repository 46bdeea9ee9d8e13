import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import type { Clock } from '../../support/clock.ts';
import { WorkQueue } from '../../support/steps.ts';
import type { WantedFile } from './file-identity.ts';
import type { FileSearch } from './find-file.ts';
import { pathsByBuildId } from './find-file.ts';
import type { PidsByName } from './process-files.ts';
import { maxLookAgeMs, pidsByName } from './process-files.ts';

/**
 * Tells of a file of which no process is known whether it is worth looking for: reads no executable, and so needs no thread of its own.
 * A file of a process that ended before it could be named is looked for again and again, and the thread, which takes 20 MiB and 60 to
 * 90 ms of CPU, would be started for that alone.
 */
export class FilePresence {
  readonly #search: FileSearch;
  readonly #clock: Clock;
  readonly #work: WorkQueue;
  #pids: Promise<PidsByName> | undefined;
  #readMs = Number.NEGATIVE_INFINITY;

  constructor(search: FileSearch, clock: Clock) {
    this.#search = search;
    this.#clock = clock;
    this.#work = new WorkQueue(clock);
  }

  /** False if no process has a file of the name mapped, and there is none at any other place. */
  async mayBeFound(wanted: WantedFile): Promise<boolean> {
    const { procRoot, hasOwnPaths } = this.#search;
    if (hasOwnPaths === true || pathsByBuildId(wanted, this.#search).some((path) => existsSync(path))) return true;
    const name = basename(wanted.fileName);
    if (name === '') return false;
    const nowMs = this.#clock.nowMs();
    if (this.#pids === undefined || nowMs - this.#readMs >= maxLookAgeMs) {
      this.#readMs = nowMs;
      this.#pids = this.#work.add(pidsByName(procRoot));
    }
    return (await this.#pids).has(name);
  }
}
