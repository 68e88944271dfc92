/** What an agent was told, by every place that may say it. Pure: arguments first, then the environment, the file, what holds else. */
import { dirname, join, resolve } from 'node:path';
import { isToken, logLevels } from '@kanade/shared/fleet';
import { agentDataDir, agentFiles, localAddress } from '@kanade/shared/local-words';
import { limits } from '../limits.ts';
import type { Remark } from './document.ts';
import type { ConfigFile } from './file.ts';
import { type Setting, type SettingName, settingNames, settingTable } from './setting-table.ts';
import type { Surroundings } from './surroundings.ts';

/** Where a value comes from. */
export type Source =
  | { readonly kind: 'argument'; readonly name: string }
  | { readonly kind: 'environment'; readonly name: string }
  | { readonly kind: 'file'; readonly path: string; readonly line: number; readonly column: number }
  | { readonly kind: 'default' };

export type SettingValue = string | number | boolean;

export interface Settled {
  /** A path is absolute. Absent = not set, and nothing holds else. */
  readonly value: SettingValue | undefined;
  readonly from: Source;
}

export type AllSettled = { readonly [N in SettingName]: Settled };

/** Values of the options of a call, by their names without dashes. */
export type Arguments = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

export interface Sayings {
  readonly args: Arguments;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly around: Surroundings;
  readonly file: ConfigFile | undefined;
}

/** A value that cannot be used, and who said it. */
export interface Unusable extends Remark {
  readonly from: Source;
}

export function settleConfig(told: Sayings): { readonly settled: AllSettled; readonly unusable: readonly Unusable[] } {
  const all = Object.fromEntries(settingNames.map((name) => [name, settleOne(name, told)])) as Record<
    SettingName,
    Settled
  >;
  if (all['log.path'].value === undefined) {
    all['log.path'] = { value: join(String(all['agent.data_dir'].value), agentFiles.log), from: { kind: 'default' } };
  }
  // Files of the system before this one may say INFO.
  const { value: level, from } = all['log.level'];
  all['log.level'] = { value: String(level).toLowerCase(), from };
  const unusable = settingNames.flatMap((name): Unusable[] => {
    const { value, from } = all[name];
    const why = value === undefined ? undefined : faults[name]?.(value, from);
    if (why === undefined) return [];
    return [
      { key: name, message: why, from, ...(from.kind === 'file' ? { line: from.line, column: from.column } : {}) },
    ];
  });
  return { settled: all, unusable };
}

function settleOne(name: SettingName, { args, env, around, file }: Sayings): Settled {
  const setting: Setting = settingTable[name];
  const at = (value: SettingValue, dir: string): SettingValue =>
    setting.kind === 'path' ? resolve(dir, String(value)) : value;
  const argument = setting.argument === undefined ? undefined : args[setting.argument];
  if (argument !== undefined) {
    const value = typeof argument === 'object' ? argument.join(',') : argument;
    return { value: at(value, around.cwd), from: { kind: 'argument', name: `--${setting.argument}` } };
  }
  const said = setting.env === undefined ? undefined : env[setting.env] || undefined;
  if (said !== undefined && setting.env !== undefined) {
    const value = setting.kind === 'flag' ? said === '1' : at(said, around.cwd);
    return { value, from: { kind: 'environment', name: setting.env } };
  }
  const written = file?.values.get(name);
  if (file && written) {
    const { value, line, column } = written;
    return { value: at(value, dirname(file.path)), from: { kind: 'file', path: file.path, line, column } };
  }
  return { value: defaults[name]?.(env, around), from: { kind: 'default' } };
}

const defaults: Partial<Record<SettingName, (env: Sayings['env'], around: Surroundings) => SettingValue>> = {
  'agent.id': (_, { hostName }) => hostName.replaceAll('.', '-'),
  'agent.data_dir': (env, around) => resolve(around.cwd, agentDataDir(env, around)),
  'agent.socket': () => localAddress(process.platform),
  'agent.allow_own_user': () => false,
  'update.trial_secs': () => 30,
  'log.level': () => 'info',
  'log.local_trace_bodies': () => false,
};

/** What kinds do not say: why a value cannot be used, in words that begin behind its key. */
const faults: Partial<Record<SettingName, (value: SettingValue, from: Source) => string | undefined>> = {
  'agent.id': (value) =>
    isToken(String(value)) ? undefined : `cannot be used: ${JSON.stringify(value)}; write it with A-Z a-z 0-9 _ . -`,
  'agent.nats_url': (value, { kind }) =>
    kind === 'file' && String(value).includes('@')
      ? 'must hold no credentials, everybody may read this file: they stand in the connection file (broker.connection)'
      : undefined,
  'log.level': (value) =>
    (logLevels as readonly unknown[]).includes(value)
      ? undefined
      : `is not one of ${logLevels.join(', ')}: ${JSON.stringify(value)}`,
  'update.trial_secs': (value) =>
    isTrial(Number(value)) ? undefined : `must be from 1 to ${limits.trialSecsMax}: ${JSON.stringify(value)}`,
  'log.keep_days': (value) => (Number(value) <= keepDaysMax ? undefined : `must be at most ${keepDaysMax}`),
};

const keepDaysMax = 3650;

const isTrial = (secs: number): boolean => secs >= 1 && secs <= limits.trialSecsMax;
