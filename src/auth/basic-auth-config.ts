import { converted, optionalSection, secret, text } from '../config/config-keys.ts';
import type { ConfigKey, ConfigOf } from '../config/config-table.ts';
import { configTable } from '../config/config-table.ts';
import { messageOf } from '../support/error-text.ts';
import type { ConfiguredFile } from '../support/watched-files.ts';
import { parseHtpasswd } from './htpasswd.ts';

const serverTable = configTable(
  {
    about: 'Users whose requests listeners take.',
    keys: {
      file: file(
        'file',
        'htpasswd.file',
        'File of `user:password` lines, as the tool `htpasswd` writes it; read again when it changes.',
      ),
      /** Goes before the file. */
      inline: secret('inline', 'Such lines; they go before those of the file.'),
    },
  },
  ({ file, inline }, section) => {
    if (file === undefined && inline.reveal().trim() === '' && section.keys().length > 0) {
      section.addProblem('file', 'no credential source provided', 'write file or inline');
    }
    try {
      parseHtpasswd(inline.reveal());
    } catch (error) {
      section.addProblem('inline', messageOf(error), 'write user:password lines as the tool htpasswd -B does');
    }
    return { side: 'server', file, inline } as const;
  },
);

const clientTable = configTable(
  {
    about: 'The user that exporters are.',
    keys: {
      username: text('username', { fallback: '' }, 'Name of the user.'),
      password: secret('password', 'Password of the user.'),
      /** The files go before `username` and `password`. */
      usernameFile: file(
        'username_file',
        'client_auth.username_file',
        'File that holds the name; goes before `username`, and is read again when it changes.',
      ),
      passwordFile: file(
        'password_file',
        'client_auth.password_file',
        'File that holds the password; goes before `password`, and is read again when it changes.',
      ),
    },
    check: ({ username, usernameFile }, section) => {
      if (username === '' && usernameFile === undefined) {
        section.addProblem('username', 'is empty', 'write username or username_file');
      }
      if (username.includes(':')) {
        section.addProblem('username', 'has a ":", which ends the name of a user', 'use a name without it');
      }
    },
  },
  (values) => ({ side: 'client', ...values }) as const,
);

/** Extension `basicauth`, with the Collector's keys: for listeners or for clients. */
export const basicAuthTable = configTable(
  {
    about: 'Basic auth: for listeners with `htpasswd`, or for exporters with `client_auth`.',
    source: 'https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/extension/basicauthextension',
    keys: {
      server: optionalSection('htpasswd', serverTable),
      client: optionalSection('client_auth', clientTable),
    },
  },
  ({ server, client }, section) => {
    if (server !== undefined && client !== undefined) {
      const problem = 'only one of htpasswd or client_auth can be specified';
      section.addProblem('client_auth', problem, 'give listeners and clients a basicauth each');
    }
    if (server === undefined && client === undefined) {
      const remedy = 'write htpasswd for a listener, or client_auth for an exporter';
      section.addProblem('htpasswd', 'no credential source provided', remedy);
    }
    return client ?? server ?? serverTable.read(section.section('htpasswd'));
  },
);

export type BasicAuthConfig = ConfigOf<typeof basicAuthTable>;

/** `path` is that of the key below the extension, for messages about the file. */
function file(key: string, path: string, meaning: string): ConfigKey<ConfiguredFile | undefined> {
  return converted(text(key, { fallback: '' }, meaning), (name) =>
    name === '' ? undefined : { key: path, path: name },
  );
}
