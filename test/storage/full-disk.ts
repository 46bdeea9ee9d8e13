import type { LogFileSystem } from '../../src/storage/log-file-system.ts';
import { systemFileSystem } from '../../src/storage/log-file-system.ts';

/** A file system whose disk a test fills: nothing can be appended then, and what is there can still be changed. */
export class FullDisk {
  isFull = false;
  readonly fs: LogFileSystem = {
    ...systemFileSystem,
    writevSync: (fd, buffers, position) => {
      const needed = buffers.reduce((sum, { byteLength }) => sum + byteLength, Number(position));
      if (this.isFull && needed > systemFileSystem.fstatSync(fd).size) {
        throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
      }
      return systemFileSystem.writevSync(fd, buffers, position);
    },
  };
}
