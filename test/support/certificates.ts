import type { KeyObject } from 'node:crypto';
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** A certificate and its key, as PEM. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
}

/** Signs certificates for `localhost` and 127.0.0.1, of servers and clients alike. Made in the test, so that none ever ends. */
export class Authority {
  /** Its own certificate, as PEM. */
  readonly cert: string;
  readonly #name: string;
  readonly #privateKey: KeyObject;

  constructor(name = 'test authority') {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.#name = name;
    this.#privateKey = privateKey;
    this.cert = this.#sign(name, publicKey, [basicConstraints(true)]);
  }

  issue(name: string): Identity {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const cert = this.#sign(name, publicKey, [basicConstraints(false), localNames()]);
    return { cert, key: String(privateKey.export({ type: 'pkcs8', format: 'pem' })) };
  }

  #sign(name: string, publicKey: KeyObject, extensions: readonly Buffer[]): string {
    const algorithm = sequence(oid('1.2.840.10045.4.3.2')); // ecdsa-with-SHA256
    const hourMs = 3_600_000;
    const nowMs = Date.now();
    const tbs = sequence(
      der(0xa0, der(0x02, Buffer.from([2]))),
      der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
      algorithm,
      distinguishedName(this.#name),
      sequence(time(nowMs - hourMs), time(nowMs + 24 * hourMs)),
      distinguishedName(name),
      publicKey.export({ type: 'spki', format: 'der' }),
      der(0xa3, sequence(...extensions)),
    );
    const signature = sign('sha256', tbs, this.#privateKey);
    const certificate = sequence(tbs, algorithm, der(0x03, Buffer.concat([Buffer.from([0]), signature])));
    const lines = certificate
      .toString('base64')
      .match(/.{1,64}/g)!
      .join('\n');
    return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
  }
}

/** A folder for the files of one test, removed after it. */
export interface TlsFolder {
  readonly path: (file: string) => string;
  /** Writes `name.pem` and `name.key`. */
  readonly put: (name: string, identity: Identity) => void;
  readonly write: (file: string, text: string) => void;
}

export function createTlsFolder(t: TestContext): TlsFolder {
  const folder = mkdtempSync(join(tmpdir(), 'framekeeper-tls-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = (file: string): string => join(folder, file);
  const write = (file: string, text: string): void => writeFileSync(path(file), text);
  const put = (name: string, { cert, key }: Identity): void => {
    write(`${name}.pem`, cert);
    write(`${name}.key`, key);
  };
  return { path, put, write };
}

// X.690 and RFC 5280, as far as it takes.
function der(tag: number, content: Uint8Array): Buffer {
  const { length } = content;
  const head = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...head]), content]);
}

function sequence(...items: readonly Uint8Array[]): Buffer {
  return der(0x30, Buffer.concat(items));
}

function oid(text: string): Buffer {
  const [first, second, ...rest] = text.split('.').map(Number);
  const bytes = rest.flatMap((part) => {
    const septets = [part & 0x7f];
    for (let left = part >> 7; left > 0; left >>= 7) septets.unshift((left & 0x7f) | 0x80);
    return septets;
  });
  return der(0x06, Buffer.from([first! * 40 + second!, ...bytes]));
}

function distinguishedName(name: string): Buffer {
  return sequence(der(0x31, sequence(oid('2.5.4.3'), der(0x0c, Buffer.from(name)))));
}

function time(ms: number): Buffer {
  const text = new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, '');
  return der(0x18, Buffer.from(text));
}

function basicConstraints(isAuthority: boolean): Buffer {
  const value = isAuthority ? sequence(der(0x01, Buffer.from([0xff]))) : sequence();
  return sequence(oid('2.5.29.19'), der(0x01, Buffer.from([0xff])), der(0x04, value));
}

function localNames(): Buffer {
  const names = sequence(der(0x82, Buffer.from('localhost')), der(0x87, Buffer.from([127, 0, 0, 1])));
  return sequence(oid('2.5.29.17'), der(0x04, names));
}
