/**
 * What `-v`, `-vv` and `-vvv` say on standard error about a call: levels info, debug and trace. `RUST_LOG` decides the level
 * instead where it names one. Never a value that a caller could want to hide: of texts only how many there are. Loaded on demand.
 */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isPrinted, type Said } from '../answer/answer.ts';
import { configPath } from '../local/settings.ts';
import type { Command, Context, Door } from './command.ts';

/** By how often `-v` was given; `warn` is what is said without it. */
const levels = ['warn', 'info', 'debug', 'trace'] as const;
type Level = (typeof levels)[number];

/** What RUST_LOG can name besides, and the weight of it. */
const quieter: Readonly<Record<string, number>> = { off: 0, error: 0 };

export interface DiagnosedCall {
  readonly command: Command;
  readonly door: Door;
  readonly words: readonly string[];
  readonly context: Context;
  /** Name and version line of the program. */
  readonly version: string;
}

/** Runs a command, and says before and after what it is about. */
export async function diagnosed(
  { command, door, words, context, version }: DiagnosedCall,
  run: () => Promise<Said>,
): Promise<Said> {
  const { root, io, given } = context;
  const most = levelOf(io.env.RUST_LOG) ?? Math.min(Number(given.verbose), levels.length - 1);
  const name = [door.name, command.name].filter(Boolean).join(' ');
  const say = (level: Level, text: string): void => {
    if (levels.indexOf(level) > most) return;
    io.stderr(`${new Date().toISOString()} ${level.toUpperCase().padStart(5)} ${name}: ${text}\n`);
  };
  const startedMs = performance.now();
  say('info', door.about(context, words));
  say('debug', version);
  say('debug', `options: ${optionsOf(command, given)}; words: ${words.length}`);
  const config = (given.config as string | undefined) ?? configPath(io.env);
  say('debug', `configuration file ${config ?? 'unknown'}${config && existsSync(config) ? '' : ' (not there)'}`);
  try {
    const said = await run();
    say('info', `${resultOf(said)} after ${(performance.now() - startedMs).toFixed(1)} ms`);
    if (most >= levels.indexOf('trace'))
      for (const line of traceOf(said, door.name === '' ? root : undefined)) say('trace', line);
    return said;
  } catch (error) {
    say('info', `refused: ${(error as Error).name}`);
    throw error;
  }
}

/** The level that the variable names for all, or for us. */
function levelOf(text: string | undefined): number | undefined {
  const named = (text ?? '')
    .toLowerCase()
    .split(',')
    .map((directive) => directive.trim().split('='))
    .filter(([target, level]) => level === undefined || target === 'kanade' || target === 'agent_exec')
    .map(([target, level]) => level ?? target ?? '')
    .map((level) => quieter[level] ?? levels.indexOf(level as Level))
    .filter((level) => level >= 0);
  return named.at(-1);
}

/** Numbers and switches with their values, texts without. */
function optionsOf({ options }: Command, values: Readonly<Record<string, unknown>>): string {
  const given = Object.entries(options).flatMap(([name, { kind }]) => {
    const value = values[name];
    if (value === undefined || (Array.isArray(value) && value.length === 0)) return [];
    if (kind === 'flag') return [name];
    if (kind === 'count' || kind === 'optional') return [`${name}=${String(value)}`];
    return [`${name} (${Array.isArray(value) ? value.length : 1} given)`];
  });
  return given.join(', ') || 'none';
}

function resultOf(said: Said): string {
  if (typeof said === 'string') return `${said.length} characters of text`;
  if (isPrinted(said)) return 'answered as it came';
  if (!said.ok) return `error ${(said.error as { code: string }).code}`;
  const { job_id, state } = said;
  return `answered ${String(said.type)}${job_id ? `, job ${job_id}` : ''}${state ? ` is ${state}` : ''}`;
}

/** The files of the local job that was answered for, and what the call has cost. */
function traceOf(said: Said, root: string | undefined): string[] {
  const cost = `${Math.round(process.memoryUsage.rss() / 1024 ** 2)} MiB resident`;
  if (root === undefined || typeof said === 'string' || isPrinted(said) || typeof said.job_id !== 'string')
    return [cost];
  const path = join(root, said.job_id);
  if (!existsSync(path)) return [`job directory ${path} (not there)`, cost];
  const files = readdirSync(path).map((name) => {
    const size = statSync(join(path, name), { throwIfNoEntry: false })?.size;
    return size === undefined ? [] : [`${name} ${size}`];
  });
  return [`job directory ${path}, bytes by file: ${files.flat().join(', ')}`, cost];
}
