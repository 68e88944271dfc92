/** Releases of the agent, and how machines come to them, in sentences and columns for people. Pure. */
import { type Columns, cellsOf } from './columns.ts';
import { type Cell, type Colour, lineOf, sizeOf, some } from './ink.ts';
import { listIn, type Sentence, saying, type Told } from './told.ts';

const { value } = cellsOf;
const { good, open, plain } = saying;

const namesIn = (known: unknown): string => (Array.isArray(known) ? known.map(String).join(', ') : '');

/** Which machines a scope of settings is about. */
function machinesOf(scope: unknown): string {
  const [kind, ...id] = String(scope).split('.');
  if (id.length === 0) return 'all machines';
  return kind === 'groups' ? `machines in ${id.join('.')}` : id.join('.');
}

export const releaseSentences: Readonly<Record<string, (told: Told) => Sentence>> = {
  self_update: ({ from, version, installed, expires_at }) => {
    if (installed === true)
      return good(`${version} is in the place of ${from}; an agent that runs is restarted to be it`);
    return version === from
      ? plain(`${from} runs already`)
      : open(`${version} would be installed in the place of ${from}, until ${lineOf(expires_at)}`);
  },
  'release-key.create': ({ keyid, private_key_file }) =>
    good(`made release key ${keyid}; its private half is in ${private_key_file}`),
  'release-key.show': ({ keys, keys_dir, written }) =>
    written === undefined
      ? plain(`${some(listIn(keys).length, 'release key')} in ${keys_dir}`)
      : good(`wrote ${some(listIn(keys).length, 'release key')} to ${written}`),
  'release-key.sign': ({ version, keyid, expires_at, file }) =>
    good(`${version} is signed by ${keyid} until ${lineOf(expires_at)}: ${file}`),
  'fleet.agent.publish': ({ version, stored, already, before }) => {
    if (namesIn(stored) !== '') return good(`release ${version} is published for ${namesIn(stored)}`);
    return before === 'the same'
      ? plain(`release ${version} was published already for ${namesIn(already)}`)
      : good(`release ${version} has another signed manifest; its executables are the same`);
  },
  'fleet.agent.rollout': ({ version, scope, before }) => {
    const was = (before as Told | undefined)?.version;
    return good(
      `${machinesOf(scope)} will run ${version}${was === undefined || was === version ? '' : `, until now ${lineOf(was)}`}`,
    );
  },
  'fleet.agent.remove': ({ version, platforms, bytes }) =>
    good(
      `release ${version} is taken away${namesIn(platforms) === '' ? '' : ` for ${namesIn(platforms)}`}: ${sizeOf(Number(bytes))} are free again`,
    ),
  'fleet.agent.current': ({ agents, behind, wanted }) => {
    const [all, late] = [listIn(agents).length, Number(behind)];
    const asked = wantedIn(wanted);
    if (all === 0) return open(`no machine was heard; ${asked}`);
    return late === 0
      ? good(`${some(all, 'machine')} heard, each runs what is wanted; ${asked}`)
      : open(`${late} of ${some(all, 'machine')} do not run what is wanted; ${asked}`);
  },
};

/** Scopes that are named one by one. */
const scopesMax = 4;

/** What is wanted where, in words. */
function wantedIn(wanted: unknown): string {
  const scopes = listIn(wanted).map((one) => `${lineOf(one.target_version)} by ${machinesOf(one.scope)}`);
  if (scopes.length === 0) return 'no version is wanted';
  const more = scopes.length > scopesMax ? ` and ${scopes.length - scopesMax} more` : '';
  return `wanted: ${scopes.slice(0, scopesMax).join(', ')}${more}`;
}

const standings: Readonly<Record<string, Colour>> = { current: 'green', behind: 'yellow', stuck: 'red' };

/** How far an agent is on its way to another version; nothing where it need not go. */
export function updateCell({ update }: Told): Cell {
  const { state, code, reason, at, fetched_bytes: fetched, total_bytes: total } = (update ?? {}) as Told;
  if (state === undefined || state === 'current') return { text: '' };
  const share =
    typeof fetched === 'number' && typeof total === 'number' ? ` ${sizeOf(fetched)} of ${sizeOf(total)}` : '';
  const when = state === 'waiting' && at !== undefined ? ` until ${lineOf(at)}` : '';
  const why = reason ?? code;
  return {
    text: `${lineOf(state)}${share}${when}${why === undefined ? '' : `: ${lineOf(why)}`}`,
    colour: ['refused', 'failed', 'quarantined', 'unable'].includes(String(state)) ? 'red' : 'yellow',
  };
}

export const releaseTables: Readonly<Record<string, Columns>> = {
  'release-key.show': { rows: 'keys', columns: { key: value('keyid'), 'public key': value('public_key') } },
  'fleet.agent.current': {
    rows: 'agents',
    columns: {
      machine: value('pc_id'),
      runs: value('agent_version'),
      wanted: value('target_version'),
      '': ({ standing }) => ({ text: lineOf(standing), colour: standings[String(standing)] }),
      update: updateCell,
      quarantined: ({ quarantined_versions }) => ({ text: namesIn(quarantined_versions), colour: 'yellow' }),
    },
  },
};
