import { Writable } from 'node:stream';
import type { Logger } from 'pino';
import { pino } from 'pino';

export interface LogLine {
  readonly level: number;
  readonly msg: string;
  readonly [field: string]: unknown;
}

export interface LogRecorder {
  readonly logger: Logger;
  readonly lines: readonly LogLine[];
  /** Resolves with the first line, past or future, that has this message. */
  until(msg: string): Promise<LogLine>;
}

/** A logger that keeps its lines, from level debug on. */
export function recordLogs(): LogRecorder {
  const lines: LogLine[] = [];
  let wake: () => void = () => undefined;
  const stream = new Writable({
    write(chunk, _encoding, done) {
      lines.push(JSON.parse(String(chunk)));
      wake();
      done();
    },
  });
  const until = async (msg: string): Promise<LogLine> => {
    for (;;) {
      const line = lines.find((candidate) => candidate.msg === msg);
      if (line !== undefined) return line;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  return { logger: pino({ level: 'debug' }, stream), lines, until };
}
