import { runServe } from '../../src/cli/serve.ts';
import type { Service } from '../../src/service/service.ts';

export interface ServeResult {
  /** Exit code. */
  readonly code: number;
  /** Texts of standard error. */
  readonly problems: string;
}

/** Serves a configuration in this process; `work`, which gives the exit code, is called once the service is ready, and ends it. */
export async function serveConfig(config: string, work: (service: Service) => Promise<number>): Promise<ServeResult> {
  const problems: string[] = [];
  const io = {
    env: {},
    stdout: () => undefined,
    stderr: (text: string) => void problems.push(text),
    readFile: () => config,
  };
  const { signal } = new AbortController();
  const code = await runServe({ configs: ['file:in-memory.yaml'], sets: [] }, io, signal, work);
  return { code, problems: problems.join('') };
}
