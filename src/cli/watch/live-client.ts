import { setTimeout } from 'node:timers/promises';

/** The service did not answer, or refused. The message is a full sentence without its end. */
export class NoAnswer extends Error {}

/** The part of a page's state that a watcher needs. */
export interface PageState {
  /** `null` before the first cycle. */
  readonly endUnixMs: number | null;
  readonly version: string;
}

const answerMs = 15_000;
// Half of the shortest cycle that people set: a watcher is never a cycle late.
const pollMs = 500;

/** Asks the live page of a running service. */
export class LiveClient {
  readonly #url: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #signal: AbortSignal;

  constructor(url: string, headers: Readonly<Record<string, string>>, signal: AbortSignal) {
    this.#url = url;
    this.#headers = headers;
    this.#signal = signal;
  }

  async json<Answer>(query: string, parameters: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return JSON.parse(await this.text(query, parameters)) as Answer;
  }

  /** @throws NoAnswer */
  async text(query: string, parameters: Readonly<Record<string, string>> = {}): Promise<string> {
    const tail = new URLSearchParams(parameters).toString();
    const url = `${this.#url}/${query}${tail === '' ? '' : `?${tail}`}`;
    const signal = AbortSignal.any([this.#signal, AbortSignal.timeout(answerMs)]);
    let response: Response;
    try {
      response = await fetch(url, { headers: this.#headers, signal });
    } catch (error) {
      if (this.#signal.aborted) throw error;
      const { cause, message } = error as Error & { cause?: { code?: string } };
      throw new NoAnswer(
        `${this.#url}: no answer (${cause?.code ?? message}); start the service, or name it with --url`,
      );
    }
    const text = await response.text();
    if (response.ok) return text;
    throw new NoAnswer(`${this.#url}: ${refusalOf(response.status, text)}`);
  }

  /** Resolves with the end of the next cycle after `unixMs`. Rejects when the signal aborts. */
  async nextCycle(unixMs: number | null): Promise<number> {
    for (;;) {
      const { endUnixMs } = await this.json<PageState>('state');
      if (endUnixMs !== null && endUnixMs !== unixMs) return endUnixMs;
      await setTimeout(pollMs, undefined, { signal: this.#signal });
    }
  }
}

function refusalOf(status: number, text: string): string {
  if (status === 401) return 'the service asks for a credential; write --token-file, or USER:PASSWORD@ in the URL';
  if (status === 404 && /^404 not found/.test(text))
    return 'there is no live page; configure the extension live_page, or name its path in --url';
  try {
    return (JSON.parse(text) as { error: string }).error.replace(/\.$/, '');
  } catch {
    return `${status} ${text.trim().split('\n')[0]!.slice(0, 200)}`;
  }
}
