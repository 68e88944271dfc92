import type * as z from 'zod';

const shownCharsMax = 60;

/** A value as it is shown in a message: JSON, cut to 60 characters. Takes no more of it than that, however deep or long it is. */
export function shown(value: unknown): string {
  const text = render(value, shownCharsMax);
  return text.length > shownCharsMax ? `${text.slice(0, shownCharsMax)}…` : text;
}

/** JSON of a value, at least its first `charsMax` characters. Each level takes one character, which ends the recursion. */
function render(value: unknown, charsMax: number): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, charsMax + 1));
  if (typeof value !== 'object' || value === null) return String(value);
  if (charsMax <= 0) return '';
  const isList = Array.isArray(value);
  let text = isList ? '[' : '{';
  for (const key of isList ? value.keys() : Object.keys(value)) {
    if (text.length > charsMax) return text;
    if (text.length > 1) text += ',';
    if (!isList) text += `${render(String(key), charsMax)}:`;
    text += render((value as Record<PropertyKey, unknown>)[key], charsMax - text.length);
  }
  return `${text}${isList ? ']' : '}'}`;
}

const nouns: Record<string, string> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
  nonoptional: 'given',
};

/**
 * Our words for what zod finds, so that messages are the same under every zod version and locale; undefined leaves it to
 * zod. A schema's own message always comes first.
 */
export function wording(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.input === undefined) return 'is required';
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${nouns[issue.expected] ?? issue.expected}: ${shown(issue.input)}`;
    case 'invalid_value':
      return `must be ${oneOf(issue.values)}: ${shown(issue.input)}`;
    case 'too_small':
      return issue.origin === 'string' || issue.origin === 'array'
        ? 'must not be empty'
        : `must be ${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}: ${shown(issue.input)}`;
    case 'too_big':
      return `must be ${issue.inclusive ? 'at most' : 'less than'} ${issue.maximum}: ${shown(issue.input)}`;
    case 'invalid_union':
      return unionWording(issue);
    default:
      return undefined;
  }
}

function oneOf(values: readonly unknown[]): string {
  return values.length === 1 ? shown(values[0]) : `one of ${values.map(String).join(', ')}`;
}

function unionWording(issue: z.core.$ZodRawIssue): string {
  const { discriminator, options, input } = issue as { discriminator?: string; options?: unknown[]; input?: unknown };
  if (discriminator === undefined || !options) return `has no accepted form: ${shown(input)}`;
  const given = (input as Record<string, unknown>)[discriminator];
  return given === undefined ? 'is required' : `must be ${oneOf(options)}: ${shown(given)}`;
}
