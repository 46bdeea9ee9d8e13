/** Name and value of a header. */
export interface HeaderField {
  readonly name: string;
  readonly value: string;
  /** A rule of HTTP/2 keeps the field out of requests. */
  readonly isBad?: true;
}

/** RFC 7541, Appendix A, from index 1 on. */
const staticFields: readonly HeaderField[] = [
  ':authority| :method|GET :method|POST :path|/ :path|/index.html :scheme|http :scheme|https :status|200 :status|204',
  ':status|206 :status|304 :status|400 :status|404 :status|500 accept-charset| accept-encoding|gzip,_deflate',
  'accept-language| accept-ranges| accept| access-control-allow-origin| age| allow| authorization| cache-control|',
  'content-disposition| content-encoding| content-language| content-length| content-location| content-range|',
  'content-type| cookie| date| etag| expect| expires| from| host| if-match| if-modified-since| if-none-match|',
  'if-range| if-unmodified-since| last-modified| link| location| max-forwards| proxy-authenticate|',
  'proxy-authorization| range| referer| refresh| retry-after| server| set-cookie| strict-transport-security|',
  'transfer-encoding| user-agent| vary| via| www-authenticate|',
].flatMap((line) => line.split(' ').map(parseField));

function parseField(text: string): HeaderField {
  const [name = '', value = ''] = text.split('|');
  const field = { name, value: value.replace('_', ' ') };
  // Of HTTP/1: no request of HTTP/2 has it.
  return name === 'transfer-encoding' ? { ...field, isBad: true } : field;
}

const staticIndices = new Map<string, number>();
const staticNames = new Map<string, number>();
for (const [index, { name, value }] of staticFields.entries()) {
  staticIndices.set(keyOf(name, value), index + 1);
  if (!staticNames.has(name)) staticNames.set(name, index + 1);
}

/** Size of a table until the peer that decodes says otherwise. */
export const defaultTableBytes = 4_096;
/** Counted for an entry beside its texts (RFC 7541, 4.1). */
const entryBytes = 32;

/**
 * The table of HPACK that both ends of one direction keep alike: fields of the standard, and those that were sent lately, of which the
 * newest has the lowest index.
 */
export class HeaderTable {
  /** Oldest first. */
  #fields: HeaderField[] = [];
  /** Entries that came before the first of `#fields`. */
  #goneCount = 0;
  #sizeBytes = 0;
  #maxBytes = defaultTableBytes;
  /** The newest entry of each name, by its place among all that there ever were; only where `find` is called. */
  readonly #newest: Map<string, { readonly value: string; readonly place: number }> | undefined;

  /** `isSearched`: `find` can be called. */
  constructor(isSearched: boolean) {
    this.#newest = isSearched ? new Map() : undefined;
  }

  /** The field at an index, from 1 on; `undefined` where there is none. */
  at(index: number): HeaderField | undefined {
    if (index <= staticFields.length) return staticFields[index - 1];
    return this.#fields[this.#fields.length - (index - staticFields.length)];
  }

  /** The index of a field that is the newest of its name, or of the standard; 0 for others. */
  find(name: string, value: string): number {
    const newest = this.#newest?.get(name);
    if (newest === undefined || newest.value !== value) return staticIndices.get(keyOf(name, value)) ?? 0;
    return staticFields.length + this.#goneCount + this.#fields.length - newest.place;
  }

  /** The index of a field of that name in the standard; 0 where there is none. */
  findName(name: string): number {
    return staticNames.get(name) ?? 0;
  }

  /** Adds a field; one larger than the table empties it, and is not kept. */
  add(field: HeaderField): void {
    const size = sizeOf(field);
    this.#evictDownTo(this.#maxBytes - size);
    if (size > this.#maxBytes) return;
    this.#newest?.set(field.name, { value: field.value, place: this.#goneCount + this.#fields.length });
    this.#fields.push(field);
    this.#sizeBytes += size;
  }

  setMaxBytes(maxBytes: number): void {
    this.#maxBytes = maxBytes;
    this.#evictDownTo(maxBytes);
  }

  get maxBytes(): number {
    return this.#maxBytes;
  }

  #evictDownTo(sizeBytes: number): void {
    let count = 0;
    while (this.#sizeBytes > sizeBytes && count < this.#fields.length) {
      const field = this.#fields[count]!;
      this.#sizeBytes -= sizeOf(field);
      if (this.#newest?.get(field.name)?.place === this.#goneCount + count) this.#newest.delete(field.name);
      count++;
    }
    if (count === 0) return;
    this.#fields.splice(0, count);
    this.#goneCount += count;
  }
}

export function sizeOf({ name, value }: HeaderField): number {
  return name.length + value.length + entryBytes;
}

function keyOf(name: string, value: string): string {
  return `${name}\0${value}`;
}
