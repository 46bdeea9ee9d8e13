import type { CommandIo } from '../../src/cli/command-io.ts';
import { readFrom } from './test-config.ts';

/** A world that remembers what a command printed. */
export interface RecordedIo extends CommandIo {
  out: string;
  err: string;
}

export function recordedIo(files: Readonly<Record<string, string>> = {}, env: NodeJS.ProcessEnv = {}): RecordedIo {
  const io: RecordedIo = {
    env,
    readFile: readFrom(files),
    out: '',
    err: '',
    stdout: (text) => {
      io.out += text;
    },
    stderr: (text) => {
      io.err += text;
    },
  };
  return io;
}
