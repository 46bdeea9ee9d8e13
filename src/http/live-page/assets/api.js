// Requests to the service. A token is kept in memory alone.

/** A request that was not answered with data. */
export class RequestFailed extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

export class Api {
  #path;
  #token = '';
  /** Newest request by purpose: an older one is given up. */
  #running = new Map();

  constructor(path) {
    this.#path = path;
  }

  set token(token) {
    this.#token = token;
  }

  /** Address of a query. Empty parameters are left out. */
  url(name, parameters) {
    const text = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== '')).toString();
    return `${this.#path}/${name}${text === '' ? '' : `?${text}`}`;
  }

  /** JSON of a query; `purpose` names requests of which only the newest counts. @throws RequestFailed, AbortError */
  async get(name, parameters = {}, purpose = name) {
    this.#running.get(purpose)?.abort();
    const stop = new AbortController();
    this.#running.set(purpose, stop);
    const response = await this.#fetch(this.url(name, parameters), stop.signal);
    return response.json();
  }

  /** A file, as it is sent. */
  async file(parameters) {
    const response = await this.#fetch(this.url('profile', parameters));
    const [, name = 'profile'] = /filename="([^"]+)"/.exec(response.headers.get('content-disposition') ?? '') ?? [];
    return { blob: await response.blob(), name };
  }

  /** Calls `onEvent` for each event until the connection ends. EventSource cannot send a token. */
  async listen(onOpen, onEvent) {
    const response = await this.#fetch(`${this.#path}/events`);
    onOpen();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      text += value;
      const parts = text.split('\n\n');
      text = parts.pop();
      for (const part of parts) {
        const [, event] = /^event: (\w+)$/m.exec(part) ?? [];
        if (event !== undefined) onEvent(event);
      }
    }
  }

  async #fetch(url, signal) {
    const headers = this.#token === '' ? {} : { authorization: `Bearer ${this.#token}` };
    const response = await fetch(url, { signal, headers });
    if (response.ok) return response;
    const text = await response.text();
    let message = text;
    try {
      message = JSON.parse(text).error;
    } catch {}
    throw new RequestFailed(response.status, message || `the service answered ${response.status}`);
  }
}
