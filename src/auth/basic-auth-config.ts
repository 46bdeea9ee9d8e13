import type { ConfigSection } from '../config/config-section.ts';
import type { NamedFile } from '../support/named-file.ts';
import type { Secret } from '../support/secret.ts';
import { parseHtpasswd } from './htpasswd.ts';

/** Extension `basicauth`, with the Collector's keys: for listeners or for clients. */
export type BasicAuthConfig =
  | {
      readonly side: 'server';
      readonly file: NamedFile | undefined;
      /** Lines that go before those of the file. */
      readonly inline: Secret;
    }
  | {
      readonly side: 'client';
      readonly username: string;
      readonly password: Secret;
      /** Go before `username` and `password`. */
      readonly usernameFile: NamedFile | undefined;
      readonly passwordFile: NamedFile | undefined;
    };

/**
 * Reads a `basicauth`
 * (https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/extension/basicauthextension).
 */
export function readBasicAuthConfig(section: ConfigSection): BasicAuthConfig {
  const htpasswd = section.optionalSection('htpasswd');
  const client = section.optionalSection('client_auth');
  section.end();
  if (htpasswd !== undefined && client !== undefined) {
    const problem = 'only one of htpasswd or client_auth can be specified';
    section.addProblem('client_auth', problem, 'give listeners and clients a basicauth each');
  }
  if (htpasswd === undefined && client === undefined) {
    const remedy = 'write htpasswd for a listener, or client_auth for an exporter';
    section.addProblem('htpasswd', 'no credential source provided', remedy);
  }
  return client === undefined ? readServer(section.section('htpasswd')) : readClient(client);
}

function readServer(section: ConfigSection): BasicAuthConfig {
  const file = readFile(section, 'file', 'htpasswd.file');
  const inline = section.opaque('inline');
  section.end();
  if (file === undefined && inline.reveal().trim() === '' && section.keys().length > 0) {
    section.addProblem('file', 'no credential source provided', 'write file or inline');
  }
  try {
    parseHtpasswd(inline.reveal());
  } catch (error) {
    section.addProblem('inline', (error as Error).message, 'write user:password lines as the tool htpasswd -B does');
  }
  return { side: 'server', file, inline };
}

function readClient(section: ConfigSection): BasicAuthConfig {
  const config: BasicAuthConfig = {
    side: 'client',
    username: section.string('username', ''),
    password: section.opaque('password'),
    usernameFile: readFile(section, 'username_file', 'client_auth.username_file'),
    passwordFile: readFile(section, 'password_file', 'client_auth.password_file'),
  };
  section.end();
  if (config.username === '' && config.usernameFile === undefined) {
    section.addProblem('username', 'is empty', 'write username or username_file');
  }
  if (config.username.includes(':')) {
    section.addProblem('username', 'has a ":", which ends the name of a user', 'use a name without it');
  }
  return config;
}

function readFile(section: ConfigSection, key: string, path: string): NamedFile | undefined {
  const file = section.string(key, '');
  return file === '' ? undefined : { key: path, path: file };
}
