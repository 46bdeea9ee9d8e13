import { componentIdRemedy, parseComponentId } from './component-id.ts';
import type { ConfigProblem } from './config-error.ts';
import { requiredText, text } from './config-keys.ts';
import type { ConfigReference, ExtensionRole } from './config-notes.ts';
import type { ConfigSection } from './config-section.ts';
import type { ConfigKey } from './config-table.ts';
import { configTable } from './config-table.ts';

/** Key `storage`: the identifier of an extension that keeps something on disk; empty without one. */
export function storageKey(meaning: string): ConfigKey<string> {
  const key = text('storage', { fallback: '' }, meaning);
  const read = (section: ConfigSection): string => {
    const written = key.read(section);
    const parsed = written === '' ? undefined : parseComponentId(written);
    if (typeof parsed === 'string') section.addProblem('storage', parsed, componentIdRemedy);
    if (typeof parsed !== 'object') return '';
    section.noteReference('storage', 'storage', parsed.id);
    return parsed.id;
  };
  return { ...key, read };
}

const authTable = configTable({
  title: 'Authentication',
  about: 'Credentials, by an extension.',
  source: 'https://github.com/open-telemetry/opentelemetry-collector/tree/main/config/configauth',
  keys: {
    authenticator: requiredText(
      'authenticator',
      { example: 'the identifier of an extension, such as bearertokenauth' },
      'The extension that checks or gives the credentials; it must be in `service.extensions`.',
    ),
  },
});

/** Section `auth`: the identifier of the extension that knows the credentials; empty without one. */
export function authKey(role: 'server authenticator' | 'client authenticator'): ConfigKey<string> {
  const meaning =
    role === 'server authenticator'
      ? 'Requests must have the credentials that this extension knows.'
      : 'Requests carry the credentials that this extension gives.';
  const read = (parent: ConfigSection): string => {
    const section = parent.optionalSection('auth');
    const id = section === undefined ? '' : authTable.read(section).authenticator.trim();
    if (id !== '') section!.noteReference('authenticator', role, id);
    return id;
  };
  return { key: 'auth', meaning, form: { kind: 'section', table: authTable, isSwitch: true }, read };
}

/** ExtensionRoles are the extensions of a configuration by what others may ask of them. */
export interface ReferableExtensions {
  /** By identifier. */
  readonly roles: ReadonlyMap<string, readonly ExtensionRole[]>;
  /** Identifiers of the extensions that start. */
  readonly started: readonly string[];
}

/** Finds references to extensions that are not there, do not start, or have another role. The first words are the Collector's. */
export function findReferenceProblems(
  references: readonly ConfigReference[],
  { roles, started }: ReferableExtensions,
): ConfigProblem[] {
  return references.flatMap(({ path, role, id }) => {
    const { missing, otherRole, otherRoleRemedy } = textsOf(role, id);
    const own = roles.get(id);
    if (own === undefined) {
      const remedy = 'configure it under extensions and list it in service.extensions';
      return { path, problem: missing('not found'), remedy };
    }
    if (!own.includes(role)) return { path, problem: otherRole, remedy: otherRoleRemedy };
    if (started.includes(id)) return [];
    return { path, problem: missing('not started'), remedy: 'list it in service.extensions' };
  });
}

interface ReferenceTexts {
  readonly missing: (why: 'not found' | 'not started') => string;
  readonly otherRole: string;
  readonly otherRoleRemedy: string;
}

function textsOf(role: ExtensionRole, id: string): ReferenceTexts {
  const notStarted = 'it is configured but does not start';
  if (role === 'storage') {
    return {
      missing: (why) => {
        const reason = why === 'not found' ? 'is not configured' : 'is configured but does not start';
        return `no storage client extension found: "${id}" ${reason}`;
      },
      otherRole: `requested extension is not a storage extension: "${id}"`,
      otherRoleRemedy: 'name one of type file_storage',
    };
  }
  const unresolved = `failed to resolve authenticator "${id}"`;
  const key = role === 'server authenticator' ? 'htpasswd' : 'client_auth';
  return {
    missing: (why) => `${unresolved}: ${why === 'not found' ? 'authenticator not found' : notStarted}`,
    otherRole: `${unresolved}: requested authenticator is not a ${role}`,
    otherRoleRemedy: `name a bearertokenauth, or a basicauth with ${key}`,
  };
}
