/**
 * Objects that mean harm, at the door of a real agent, for each method of the table: what is asked is made from its schema, so a method
 * that comes is asked by itself. Each has a stated answer; nothing is polluted, nothing is started, the agent lives.
 */
import { readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createFrameDecoder, encodeFrame } from '@kanade/klp';
import { commonErrors, localContract, localErrors } from '@kanade/shared/local';
import { expect, it } from 'vitest';
import type * as z from 'zod';
import { type LocalMethod, methodRules } from '../src/local/rules.ts';
import { jobYaml, openSite } from './agent-process.ts';

interface Answer {
  readonly id: string | null;
  readonly method?: string;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly data?: { readonly kind?: string } };
}

const hello = '{"client":"hostile","client_version":"0","protocol":[1]}';

/** Speaks frames of bytes; what comes back is kept by its id. */
async function openDoor(path: string) {
  const socket = connect(path);
  const decoder = createFrameDecoder();
  const answers: Answer[] = [];
  const waiting = new Set<() => void>();
  const wake = (): void => {
    for (const look of waiting) look();
  };
  socket.on('error', () => undefined);
  socket.on('close', wake);
  socket.on('data', (chunk) => {
    decoder.push(chunk);
    for (let frame = decoder.next(); frame?.kind === 'body'; frame = decoder.next())
      answers.push(JSON.parse(frame.text) as Answer);
    wake();
  });
  /** What `find` finds among the answers as soon as it does; rejects when nothing more comes. */
  const heard = <T>(find: () => T | undefined, label: string): Promise<T> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const found = find();
        if (found === undefined && !socket.destroyed) return;
        waiting.delete(look);
        if (found === undefined) reject(new Error(`the connection ended: ${label.slice(0, 200)}`));
        else resolve(found);
      };
      waiting.add(look);
      look();
    });
  let sent = 0;
  const send = (text: string): void => void socket.write(encodeFrame(text));
  /** The answer to params that are JSON as it stands: with keys twice, and signs that no text has. */
  const ask = (method: string, params: string): Promise<Answer> => {
    const id = `q${++sent}`;
    send(`{"jsonrpc":"2.0","id":"${id}","method":${JSON.stringify(method)},"params":${params}}`);
    return heard(() => answers.find((answer) => answer.id === id), `${method} ${params}`);
  };
  expect((await ask('system.handshake', hello)).error).toBeUndefined();
  return { ask, send, heard, answers, [Symbol.dispose]: () => void socket.destroy() };
}

type Field = z.ZodType & { readonly _zod: { readonly def: FieldDef } };
interface FieldDef {
  readonly type: string;
  readonly innerType?: Field;
  readonly shape?: Record<string, Field>;
  readonly entries?: Record<string, string>;
}

/** What is below `nullish` and the like. */
const bare = (field: Field): FieldDef => {
  const { def } = field._zod;
  return def.innerType && def.type !== 'object' ? bare(def.innerType) : def;
};

/** Its fields, and whether each may be left out. */
function fieldsOf(
  method: LocalMethod,
): { readonly name: string; readonly def: FieldDef; readonly isOptional: boolean }[] {
  const { shape = {} } = bare(localContract.methods[method].params as Field);
  return Object.entries(shape).map(([name, field]) => ({
    name,
    def: bare(field),
    isOptional: field.safeParse(undefined).success,
  }));
}

/** A value that is right in form and means nothing. */
function plainValue({ type, entries }: FieldDef): string {
  if (type === 'enum') return JSON.stringify(Object.values(entries ?? {})[0]);
  if (type === 'number' || type === 'int') return '1';
  return type === 'array' ? '[1]' : '"no-such-thing"';
}

const deep = (signs: readonly [string, string]): string => `${signs[0].repeat(20_000)}1${signs[1].repeat(20_000)}`;

/** Stand beside right fields, and change nothing. */
const additions = [
  '"__proto__":{"polluted":"yes","toJSON":1},"constructor":{"prototype":{"polluted":"yes"}},"prototype":{"polluted":"yes"}',
  '"toString":1,"valueOf":null,"hasOwnProperty":false,"then":"x","toJSON":{"a":1},"length":-1,"\\ud800":"\\udfff","":0',
  `"unknown":${deep(['[', ']'])},"more":${deep(['{"a":', '}'])},"huge":1e400,"small":-1e-400,"long":${'9'.repeat(5_000)}`,
];

const wrongParams = ['[]', '"text"', '7', 'true', '[{"id":"own"}]'];
/** Of no field the right kind, or out of all bounds. */
const wrongValues = (def: FieldDef): string[] =>
  def.type === 'string' || def.type === 'enum'
    ? ['{}', '["a"]', '17', '{"__proto__":"own","toString":"own"}']
    : ['"1"', '{}', '-1e308', '1.5', '1e400'];
const hostileTexts = [
  '"\\ud800"',
  '"__proto__"',
  '"constructor"',
  '"../../etc/passwd"',
  '"\\u0000own"',
  JSON.stringify('a'.repeat(100_000)),
];

interface Case {
  readonly method: LocalMethod;
  readonly params: string;
  /** `like`: as with these params; `invalid`: they are none; `stated`: whatever the method may answer. */
  readonly expected: { readonly like: string } | 'invalid' | 'stated';
}

function casesOf(method: LocalMethod): Case[] {
  const fields = fieldsOf(method);
  const right = fields.filter(({ isOptional }) => !isOptional).map(({ name, def }) => `"${name}":${plainValue(def)}`);
  const base = `{${right.join(',')}}`;
  const object = (more: string): string => `{${[...right, more].join(',')}}`;
  const kind = methodRules[method] === 'nobody' ? 'stated' : 'invalid';
  return [
    ...wrongParams.map((params): Case => ({ method, params, expected: kind })),
    ...additions.map((more): Case => ({ method, params: object(more), expected: { like: base } })),
    ...fields.flatMap(({ name, def }): Case[] => [
      ...wrongValues(def).map((value): Case => ({ method, params: object(`"${name}":${value}`), expected: kind })),
      ...(def.type === 'string' ? hostileTexts : []).map(
        (value): Case => ({ method, params: object(`"${name}":${value}`), expected: 'stated' }),
      ),
      // The last of two counts, also where the first was right.
      {
        method,
        params: object(`"${name}":"own","${name}":${plainValue(def)}`),
        expected: { like: object(`"${name}":${plainValue(def)}`) },
      },
    ]),
  ];
}

const cases = (Object.keys(methodRules) as LocalMethod[]).flatMap(casesOf);

const outcome = ({ error }: Answer): string =>
  error === undefined ? 'result' : String(error.data?.kind ?? error.code);

/** What a method may answer, and what any may. */
const statedOf = (method: LocalMethod): readonly string[] => {
  const { errors = [] } = localContract.methods[method] as { errors?: readonly string[] };
  return ['result', ...commonErrors.filter((kind) => kind !== 'InternalError'), ...errors];
};

/** Requests of one user in a minute stay below its rate: each agent hears so many. */
const together = 140;
const shares = Array.from({ length: Math.ceil(cases.length / together) }, (_, at) =>
  cases.slice(at * together, (at + 1) * together),
);

/** Says at the end whether the prototypes of the agent are what they were. */
const watch = `const of=()=>JSON.stringify([Object,Array,String,Number,Function,Promise,Map].map(({prototype})=>Reflect.ownKeys(prototype).map(String)));const before=of();process.on('exit',()=>console.error(before===of()?'prototypes: as they were':'prototypes: polluted'))`;

it.each(shares.map((share, at) => [at + 1, share] as const))('share %i of what means harm', async (_, share) => {
  const site = await openSite();
  site.putJob('own.yaml', jobYaml({ id: 'own', script: 'echo started' }));
  const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(watch)}` };
  const agent = await site.start({ env });
  const plain = new Map<string, string>();
  let door = await openDoor(site.socket);
  let asked = 1;
  const ask = async (method: string, params: string): Promise<string> => {
    // One connection has a rate of its own, too.
    if (++asked % 50 === 0) {
      door[Symbol.dispose]();
      door = await openDoor(site.socket);
    }
    return outcome(await door.ask(method, params));
  };
  for (const { method, params, expected } of share) {
    const label = `${method} ${params.slice(0, 200)}`;
    const answered = await ask(method, params);
    expect(statedOf(method), label).toContain(answered);
    if (expected === 'stated') continue;
    if (expected === 'invalid') {
      expect(answered, label).toBe('InvalidParams');
      continue;
    }
    const key = `${method} ${expected.like}`;
    if (!plain.has(key)) plain.set(key, await ask(method, expected.like));
    // Five wrong codes lock: a stated answer that has to do with how often.
    const alike = method === 'support.unlock' ? [plain.get(key), 'Unauthorized', 'RateLimit'] : [plain.get(key)];
    expect(alike, label).toContain(answered);
  }
  using last = await openDoor(site.socket);
  const jobs = (await last.ask('jobs.list', '{}')).result as { items: { id: string; last_run?: unknown }[] };
  expect(jobs.items.map(({ id, last_run }) => [id, last_run])).toEqual([['own', undefined]]);
  expect(readdirSync(join(site.data, 'jobs')).filter((name) => !name.startsWith('.'))).toEqual([]);
  door[Symbol.dispose]();
  const { code, stderr } = await agent.end();
  expect(code).toBe(0);
  expect(stderr).not.toContain('a local request failed');
  expect(stderr).toContain('prototypes: as they were');
});

it('methods that are names of other things are unknown, and an envelope that is none has its answer', async () => {
  const site = await openSite();
  await site.start();
  using door = await openDoor(site.socket);
  for (const method of [
    '__proto__',
    'constructor',
    'prototype',
    'toString',
    'hasOwnProperty',
    '',
    'system.__proto__',
    'rpc.cancel.x',
  ])
    expect(outcome(await door.ask(method, '{}')), method).toBe('MethodNotFound');
  const before = door.answers.length;
  const envelopes = [
    '{"__proto__":{"jsonrpc":"2.0","id":"1","method":"jobs.execute","params":{"id":"own"}}}',
    '{"jsonrpc":"2.0","id":{"__proto__":1},"method":"system.ping"}',
    '{"jsonrpc":"2.0","id":["1"],"method":"system.ping"}',
    '{"jsonrpc":"1.0","id":"1","method":"system.ping"}',
    '{"jsonrpc":"2.0","id":"1","method":{"toString":"system.ping"}}',
    '[]',
    'null',
    '"system.ping"',
    deep(['[', ']']),
    '{"jsonrpc":"2.0","id":"1",',
  ];
  for (const envelope of envelopes) door.send(envelope);
  const answers = await door.heard(() => {
    const all = door.answers.slice(before);
    return all.length >= envelopes.length ? all : undefined;
  }, 'envelopes');
  const codes: number[] = [localErrors.InvalidRequest.code, localErrors.ParseError.code];
  for (const { error } of answers) expect(codes).toContain(error?.code);
  expect(outcome(await door.ask('system.ping', '{}'))).toBe('result');
});
