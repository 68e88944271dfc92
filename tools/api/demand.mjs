/** What two reports of one entry mean for its version. Where that cannot be seen from the text, the greater one is said. */
import { readReport } from './report.mjs';

/** From the least to the most. */
export const kinds = ['fix', 'feature', 'breaking'];
export const greatest = (all) => kinds[Math.max(0, ...all.map((kind) => kinds.indexOf(kind)))];

/** `[{ name, change: 'added' | 'removed' | 'changed', kind }]` */
export function changesBetween(before, after) {
  const [old, fresh] = [readReport(before), readReport(after)];
  const names = [...new Set([...old.keys(), ...fresh.keys()])].sort();
  return names.flatMap((name) => {
    const [was, is] = [old.get(name), fresh.get(name)];
    if (was === is) return [];
    const shown = name.trim();
    if (was === undefined) return [{ name: shown, change: 'added', kind: name === shown ? 'feature' : 'fix' }];
    // A type without a name of its own can only be met where it is used, and that has changed, too.
    if (is === undefined) return [{ name: shown, change: 'removed', kind: name === shown ? 'breaking' : 'fix' }];
    return [{ name: shown, change: 'changed', kind: kindOfChange(was, is) }];
  });
}

function kindOfChange(was, is) {
  // Where a name comes from is nothing that anybody sees.
  if (is.startsWith('export {') || was.startsWith('export {')) return 'fix';
  const uses = /^\/\/ (given|taken)( and taken)?$/m.exec(is)?.[0] ?? '';
  const runs = insertions(tokensOf(was), tokensOf(is));
  if (!runs) return 'breaking';
  return greatest(runs.map((run) => kindOfInsertion(run, uses)));
}

/** Something optional, one more word of a choice, or one more field of what callers only read. */
function kindOfInsertion(run, uses) {
  if (run.length === 1 && run[0] === '?') return uses === '// taken' ? 'feature' : 'breaking';
  if (run[0] === '|' || run.at(-1) === '|') return 'feature';
  const isMember = run[0] === ';' || run.at(-1) === ';';
  const members = membersOf(run);
  const isOptional = (member) =>
    /^(readonly )?\S+ (\( .*\) )?\? :/.test(member) || /^(readonly )?\S+ : z \. ZodOptional/.test(member);
  if (members.every(isOptional)) return 'feature';
  return isMember && !uses.includes('taken') && members.every((member) => /^(readonly )?\w+ [:(<]/.test(member))
    ? 'feature'
    : 'breaking';
}

/** The members of an inserted piece, split where no bracket is open. */
function membersOf(run) {
  const members = [[]];
  let depth = 0;
  for (const token of run) {
    if ('([{'.includes(token)) depth++;
    if (')]}'.includes(token)) depth--;
    if (depth === 0 && (token === ';' || token === ',')) members.push([]);
    else members.at(-1).push(token);
  }
  return members.filter((member) => member.length > 0).map((member) => member.join(' '));
}

const tokensOf = (text) => text.replaceAll(/^\/\/.*\n/gm, '').match(/'[^']*'|readonly \w+|"[^"]*"|\w+|[^\s\w]/g) ?? [];

/** The pieces that make `is` of `was` by being put in; undefined when something was also taken out. */
function insertions(was, is) {
  const runs = [];
  let run = [];
  let at = 0;
  for (const token of is) {
    if (token === was[at]) {
      if (run.length > 0) runs.push(run);
      run = [];
      at++;
    } else run.push(token);
  }
  if (run.length > 0) runs.push(run);
  return at === was.length ? runs : undefined;
}
