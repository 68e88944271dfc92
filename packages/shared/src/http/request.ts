/** What requests of the HTTP door bring: bodies and queries. Keys that are not named here are refused. */
import * as z from 'zod';
import { askedTurn } from '../job/asked-turn.ts';
import { jobStates } from '../job/words.ts';
import { type Fault, type Read, strictAs } from '../scalar/strict.ts';

const seconds = z.number().nonnegative();
const wholeSeconds = z.int().nonnegative();
const count = z.int().nonnegative();

/** Body of `POST /exec` (contract, section 8.1). `stdin`, `tags` and what follows are ours. */
export const ExecRequest = z.object({
  command: z.array(z.string()).min(1).describe('one word: a line for the shell; several: program and arguments'),
  cwd: z.string().optional().describe('working directory; default: that of the server'),
  env: z.record(z.string(), z.string()).optional().describe('variables; their values are shown nowhere'),
  timeout: seconds.optional().describe('stop the job after so many seconds, fractions allowed; 0: never'),
  wait: z.boolean().optional().describe('observe the job before answering; default true'),
  until: wholeSeconds.optional().describe('observe for at most so many seconds; default 10'),
  max_bytes: count.optional().describe('bytes of output per stream in the answer; default 65536, at most 1048576'),
  stdin: z.string().optional().describe('input of the job; default: none'),
  tags: z.array(z.string()).optional().describe('such as build.web'),
  ...askedTurn,
});
export type ExecRequest = z.infer<typeof ExecRequest>;

/** Body of `PUT /tags/{id}`. */
export const TagRequest = z.object({
  tags: z.array(z.string()).describe('all its tags from now on; none clears them'),
});
export type TagRequest = z.infer<typeof TagRequest>;

export const noQuery = z.object({});

const cursor = z.string().optional().describe('`cursor` of an earlier answer about the job: what came since');

export const TailQuery = z.object({
  cursor,
  lines: count.optional().describe('lines per stream, 0: no limit; default 50'),
  max_bytes: count.optional().describe('bytes per stream; default 65536, at most 1048576'),
});

export const WaitQuery = z.object({
  cursor,
  match: z.string().optional().describe('answer as soon as a line of its output has this, from the cursor on'),
  match_type: z.enum(['contains', 'regex']).optional().describe('how: contains, default, or a regex in linear time'),
  stream: z.enum(['stdout', 'stderr', 'either']).optional().describe('where: either, default, or one of them'),
  until: wholeSeconds.optional().describe('answer after so many seconds at the latest; default: wait for the end'),
});

export const EventsQuery = z.object({
  cursor,
  lines: count.optional().describe('begin so many lines before the end; default: with the beginning'),
});

export const KillQuery = z.object({
  no_wait: z.boolean().optional().describe('answer once the signal is sent'),
  signal: z.string().optional().describe('exactly this signal, with or without SIG; default: TERM, and 2 s later KILL'),
});

export const ListQuery = z.object({
  limit: count.optional().describe('most jobs shown, 0: all; default 50'),
  state: z.enum([...jobStates, 'unknown']).optional(),
  cwd: z.string().optional().describe('only jobs of this working directory; default: of every one'),
  tag: z.array(z.string()).optional().describe('only jobs with this tag; prefix.* matches a family; may be repeated'),
});

export const DeleteQuery = z.object({ dry_run: z.boolean().optional().describe('only say what would go') });

/** Reads the body of a request: every fault with its path, unknown keys among them. */
export const readHttpBody = <S extends z.ZodType>(schema: S, value: unknown): Read<z.output<S>> =>
  strictAs(schema, value);

/** Reads what stands behind the `?`: as {@link readHttpBody}; a parameter that is given twice is a fault, but where it is a list. */
export function readHttpQuery<S extends z.ZodObject>(schema: S, text: string): Read<z.output<S>> {
  const given = new URLSearchParams(text);
  const value: [string, unknown][] = [];
  const twice: Fault[] = [];
  for (const key of new Set(given.keys())) {
    const texts = given.getAll(key);
    const kind = kindOf(Object.hasOwn(schema.shape, key) ? schema.shape[key] : undefined);
    if (kind !== 'array' && texts.length > 1) twice.push({ path: key, message: 'given more than once' });
    value.push([key, kind === 'array' ? texts : wordOf(kind, texts[0] ?? '')]);
  }
  const read = strictAs(schema, Object.fromEntries(value));
  return twice.length === 0 ? read : { ok: false, faults: [...twice, ...(read.ok ? [] : read.faults)] };
}

function kindOf(schema: unknown): string | undefined {
  const inner = schema instanceof z.ZodOptional ? schema.unwrap() : schema;
  return inner instanceof z.ZodType ? inner.def.type : undefined;
}

/** A number or a truth value where one is meant, and where the text is none, the text: its schema says what is wrong with it. */
function wordOf(kind: string | undefined, text: string): unknown {
  if (kind === 'number' && /^\d{1,15}$/.test(text)) return Number(text);
  if (kind === 'boolean' && /^(true|false)$/.test(text)) return text === 'true';
  return text;
}
