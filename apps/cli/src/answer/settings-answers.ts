/** Settings, groups, notes and the freeze, and what people were told, in sentences and columns for people. Pure. */
import { type Columns, cellsOf } from './columns.ts';
import { lineOf, some } from './ink.ts';
import { listIn, type Sentence, saying, type Told } from './told.ts';

const { value, keys } = cellsOf;
const { good, open, plain } = saying;

/** Which scope of settings is meant, in words. */
function placeOf(scope: unknown): string {
  const [kind, ...id] = String(scope).split('.');
  if (id.length === 0) return 'the fleet';
  return `${kind === 'groups' ? 'group ' : ''}${id.join('.')}`;
}

const wordsOf = (known: unknown): readonly string[] => (Array.isArray(known) ? known.map(String) : []);

/** `, 2 machines were in it before`, and nothing for none. */
const besides = (known: unknown, text: string): string =>
  wordsOf(known).length === 0 ? '' : `; ${wordsOf(known).join(', ')} ${text}`;

function frozen({ state, from, until }: Told): Sentence {
  const window = `${from ? ` from ${from}` : ''}${until ? ` until ${until}` : ''}`;
  switch (state) {
    case 'none':
      return plain('no freeze is set');
    case 'ahead':
      return plain(`schedules will stand still${window}`);
    case 'over':
      return plain(`the freeze is over${window === '' ? '' : `: it was${window}`}`);
    case 'unreadable':
      return open('schedules stand still: what is set as a freeze cannot be read; set or clear it');
    default:
      return open(`schedules stand still${window || ' until the freeze is cleared'}`);
  }
}

export const settingsSentences: Readonly<Record<string, (told: Told) => Sentence>> = {
  'fleet.notify.status': ({ notification, recalled, read_by, toasts }) => {
    const { title } = notification as Told;
    const shown = listIn(toasts).filter(({ shown: is }) => is === true).length;
    const seen = toasts === undefined ? '' : `, on ${some(shown, 'desktop')}`;
    return plain(
      `${lineOf(title)}: ${recalled ? 'recalled, ' : ''}${some(listIn(read_by).length, 'confirmation')}${seen}`,
    );
  },
  'fleet.config.get': ({ scope, settings }) =>
    Object.keys((settings ?? {}) as object).length === 0
      ? plain(`nothing is set for ${placeOf(scope)}`)
      : plain(`set for ${placeOf(scope)}`),
  'fleet.config.set': ({ scope, field, value: now, before }) =>
    good(`${field} is ${lineOf(now)} for ${placeOf(scope)}${before === undefined ? '' : `, it was ${lineOf(before)}`}`),
  'fleet.config.unset': ({ scope, removed }) => {
    const names = Object.keys((removed ?? {}) as object);
    if (names.length === 0) return plain(`none of these was set for ${placeOf(scope)}`);
    return good(`${names.join(', ')} ${names.length === 1 ? 'is' : 'are'} not set for ${placeOf(scope)} any more`);
  },
  'fleet.config.effective': ({ pc_id, groups }) =>
    plain(`settings of ${pc_id}, in ${wordsOf(groups).length === 0 ? 'no group' : wordsOf(groups).join(', ')}`),
  'fleet.group.add': ({ group, added, already, unheard }) =>
    good(
      `put ${some(wordsOf(added).length, 'machine')} into ${group}${besides(already, 'in it before')}${besides(unheard, 'not heard of yet')}`,
    ),
  'fleet.group.remove': ({ group, removed, absent, still_in }) =>
    good(
      `took ${some(wordsOf(removed).length, 'machine')} out of ${group}${besides(absent, 'not in it')}${besides(still_in, 'still in it, as that is derived')}`,
    ),
  'fleet.group.list': ({ groups }) => plain(some(listIn(groups).length, 'group')),
  'fleet.group.show': ({ group, machines }) => plain(`${some(listIn(machines).length, 'machine')} in ${group}`),
  'fleet.meta.get': ({ pc_id, notes }) => plain(`${some(listIn(notes).length, 'note')} about ${pc_id}`),
  'fleet.meta.set': ({ pc_id, key }) => good(`noted ${key} of ${pc_id}`),
  'fleet.meta.rm': ({ pc_id, removed }) =>
    wordsOf(removed).length === 0
      ? plain(`there was no such note about ${pc_id}`)
      : good(`took ${wordsOf(removed).join(', ')} of ${pc_id} away`),
  'fleet.freeze.set': frozen,
  'fleet.freeze.clear': ({ before }) =>
    (before as Told | undefined)?.state === 'none'
      ? plain('no freeze was set')
      : good('the freeze is cleared: schedules go on'),
  'fleet.freeze.status': frozen,
  'fleet.enrol_token.create': ({ id, uses_max, expires_at, token_file }) =>
    good(
      `made token ${id}: it lets in ${some(Number(uses_max), 'machine')} until ${expires_at}${token_file === undefined ? '' : `; it is in ${token_file}`}`,
    ),
  'fleet.enrol_token.list': ({ tokens }) => plain(some(listIn(tokens).length, 'token')),
  'fleet.enrol_token.revoke': ({ id, revoked }) =>
    revoked ? good(`nobody is let in with ${id} any more`) : plain(`${id} was revoked before`),
  'fleet.enrol.serve': ({ enrolled, again, refused }) =>
    plain(`enrolled ${some(Number(enrolled), 'machine')}, answered ${again} again, refused ${refused}`),
};

/** A member's column says yes where it is one. */
const yes =
  (key: string) =>
  (row: Told): { text: string } => ({ text: row[key] === true ? 'yes' : '' });

const trusted: Columns = {
  rows: 'keys',
  columns: { key: value('command_key'), ...keys('label', 'max_age'), reported: value('audit_every_use') },
};

export const settingsTables: Readonly<Record<string, Columns>> = {
  'fleet.notify.status': {
    rows: 'read_by',
    below: 'toasts',
    columns: {
      ...{ machine: value('pc_id'), person: value('user_sid'), confirmed: value('acked_at') },
      desktop: ({ shown, reason }) => ({ text: shown === true ? 'shown' : lineOf(reason) }),
    },
  },
  'fleet.config.effective': {
    rows: 'settings',
    columns: {
      ...keys('field', 'value', 'from'),
      ignored: ({ ignored }) => {
        const { value: said, from } = (ignored ?? {}) as Told;
        return { text: from === undefined ? '' : `${lineOf(said)} of ${lineOf(from)}`, colour: 'yellow' };
      },
    },
  },
  'fleet.group.list': { rows: 'groups', columns: keys('group', 'machines', 'given', 'derived') },
  'fleet.group.show': {
    rows: 'machines',
    columns: { machine: value('pc_id'), given: yes('given'), derived: yes('derived') },
  },
  'fleet.key.list': {
    rows: 'own',
    columns: {
      key: ({ command_key, kid }) => ({ text: lineOf(command_key ?? kid) }),
      ...keys('label', 'max_age', 'trusted'),
      fault: ({ fault }) => ({ text: lineOf(fault), colour: 'red' }),
    },
  },
  'fleet.key.trust': trusted,
  'fleet.key.remove': trusted,
  'fleet.enrol_token.list': {
    rows: 'tokens',
    columns: {
      token: value('id'),
      ...keys('state', 'used'),
      of: value('uses_max'),
      until: value('expires_at'),
      ...keys('groups', 'pcs', 'label'),
      by: value('created_by'),
    },
  },
  'fleet.meta.get': { rows: 'notes', columns: keys('key', 'text') },
};
