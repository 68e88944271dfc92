/**
 * What texts of a configuration file may be made of, as the ancestor's were: `{{ vars.NAME }}` (the table `[vars]` of the file),
 * `{{ system.host }}`, `os`, `arch`, `user`, and `{{ env(name="NAME", default="…") }}`. Conditions and the rest of that
 * language are refused: one file for each kind of machine says the same.
 */

/** What the system says of itself, and the environment. */
export interface TemplateScope {
  readonly system: Readonly<Record<'host' | 'os' | 'arch' | 'user', string>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Texts of `[vars]`, unfilled. */
  readonly vars: Readonly<Record<string, unknown>>;
}

/** Stands for a quote within a template until the file is read: there it would end the text that the template stands in. */
const quote = '\uE000';

/** The text with the quotes of its templates put aside; as long as it was, so that places stay. */
export const shelterQuotes = (text: string): string =>
  text.includes('{{') ? text.replace(/\{\{[^\n]*?\}\}/g, (template) => template.replace(/["']/g, quote)) : text;

/** Whether a text begins a condition or a comment of that language. */
export const hasBlock = (text: string): boolean => /\{[%#]/.test(text);

/** Why a text cannot be filled. */
export class TemplateFault extends Error {
  override readonly name = 'TemplateFault';
}

/** The text with its templates filled. Throws TemplateFault. */
export function fill(text: string, scope: TemplateScope, within: readonly string[] = []): string {
  if (hasBlock(text))
    throw new TemplateFault('{% … %} and {# … #} are not carried out: write one file for each system');
  return text.replace(/\{\{([^\n]*?)\}\}/g, (_, inner: string) => textOf(inner.trim(), scope, within));
}

function textOf(expression: string, scope: TemplateScope, within: readonly string[]): string {
  const [, table, name = ''] = /^(vars|system)\.([\w-]+)$/.exec(expression) ?? [];
  if (table === 'system' && Object.hasOwn(scope.system, name)) return scope.system[name as 'host'];
  if (table === 'vars') return variable(name, scope, within);
  const call = new RegExp(`^env\\(\\s*name\\s*=\\s*${word}(?:\\s*,\\s*default\\s*=\\s*${word})?\\s*\\)$`).exec(
    expression,
  );
  if (!call) {
    const known = 'vars.NAME, system.host, system.os, system.arch, system.user, env(name="…", default="…")';
    throw new TemplateFault(`{{ ${expression.replaceAll(quote, '"')} }} is not carried out; known are ${known}`);
  }
  const [, asked = '', otherwise] = call;
  const value = scope.env[asked] ?? otherwise;
  if (value === undefined)
    throw new TemplateFault(`the environment variable ${asked} is not set, and no default is given`);
  return value;
}

const word = `["'${quote}]([^"'${quote}]*)["'${quote}]`;

function variable(name: string, scope: TemplateScope, within: readonly string[]): string {
  if (within.includes(name)) throw new TemplateFault(`vars.${name} leads back to itself`);
  const value = Object.hasOwn(scope.vars, name) ? scope.vars[name] : undefined;
  if (typeof value === 'string') return fill(value, scope, [...within, name]);
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new TemplateFault(`vars.${name} is not set in this file`);
}
