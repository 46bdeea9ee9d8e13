/** An identifier `type[/name]` of a component or pipeline, without the spaces around its parts. */
export interface ComponentId {
  readonly id: string;
  readonly type: string;
  /** Empty when there is none. */
  readonly name: string;
}

/**
 * Reads an identifier by the Collector's rules (component/identifiable.go): a type is a letter and up to 62 letters,
 * digits or underscores; a name is 1 to 1024 characters without spaces, control characters and symbols. Returns what is
 * wrong as a text.
 */
export function parseComponentId(text: string): ComponentId | string {
  const slash = text.indexOf('/');
  const type = (slash < 0 ? text : text.slice(0, slash)).trim();
  const name = slash < 0 ? '' : text.slice(slash + 1).trim();
  if (text.trim() === '') return 'id must not be empty';
  if (type === '') return `in "${text}" id: the part before / should not be empty`;
  if (slash >= 0 && name === '') return `in "${text}" id: the part after / should not be empty`;
  if (!/^[a-zA-Z][0-9a-zA-Z_]{0,62}$/.test(type)) return `in "${text}" id: invalid character(s) in type "${type}"`;
  if (!/^[^\p{Z}\p{C}\p{S}]{0,1024}$/u.test(name)) return `in "${text}" id: invalid character(s) in name "${name}"`;
  return { id: name === '' ? type : `${type}/${name}`, type, name };
}

/** Remedy for a text that is no identifier. */
export const componentIdRemedy = 'write type or type/name, such as "otlp_grpc" or "otlp_grpc/backend"';
