import type { ConfigProblem } from './config-error.ts';

/** Text that a reference such as `${env:TOKEN}` stands for in one value of the configuration. */
export interface ExpandedText {
  /** Of the value. */
  readonly path: string;
  /** With braces, as written. */
  readonly reference: string;
  readonly text: string;
}

/** Texts of this length are replaced in every message, shorter ones only in messages about their own value. */
const secretLength = 8;

/**
 * The problem with references in place of what they stand for: a token in a wrong place must not get into a log. A remedy is made of
 * fixed words and examples, so short texts are left alone there.
 */
export function hideExpanded(
  { path, problem, remedy }: ConfigProblem,
  expanded: readonly ExpandedText[],
): ConfigProblem {
  const long = expanded.filter(({ text }) => text.length >= secretLength);
  return { path, problem: hideIn(problem, path, expanded), remedy: hideIn(remedy, path, long) };
}

/** The same for one message about the value at `path`. */
export function hideIn(message: string, path: string, expanded: readonly ExpandedText[]): string {
  const forms = expanded
    .filter(({ text, reference }) => !isDefault(text, reference))
    .filter((each) => each.text.length >= secretLength || isRelated(each.path, path))
    .flatMap(({ text, reference }) => [text, JSON.stringify(text).slice(1, -1)].map((form) => ({ form, reference })))
    .filter(({ form }) => form.trim() !== '')
    .sort((a, b) => b.form.length - a.form.length);
  if (forms.length === 0) return message;
  const references = new Map(forms.toReversed().map(({ form, reference }) => [form, reference]));
  // In one pass: a reference may hold the text of another one.
  const anyForm = new RegExp(forms.map(({ form }) => wholeForm(form)).join('|'), 'g');
  return message.replaceAll(anyForm, (form) => references.get(form)!);
}

/** A default stands in the configuration itself, for all to read. */
function isDefault(text: string, reference: string): boolean {
  let [before, filled] = ['', reference];
  while (filled !== before) {
    before = filled;
    // The innermost references first.
    filled = filled.replaceAll(/\$\{[^{}]*?:-([^{}]*)\}/g, '$1');
  }
  return filled === text;
}

/** A short text is no part of a longer word: `5` is not in `15s`. */
function wholeForm(form: string): string {
  const escaped = form.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return form.length >= secretLength ? escaped : `(?<![A-Za-z0-9_])${escaped}(?![A-Za-z0-9_])`;
}

/** True when the two paths are equal, or one of them leads to the other. */
function isRelated(one: string, other: string): boolean {
  const leads = (from: string, to: string): boolean =>
    from === to || to.startsWith(`${from}.`) || to.startsWith(`${from}[`);
  return leads(one, other) || leads(other, one);
}
