/** The words that a release has with git. Everything that is told about releases stands in commits and tags, nowhere else. */
import { spawnSync } from 'node:child_process';
import { ReleaseFault } from './fault.mjs';

/** Output of a call, trimmed. @throws ReleaseFault `git_failed`, with what git said */
export function git(dir, ...words) {
  const { status, stdout, stderr } = spawnSync('git', words, { cwd: dir, encoding: 'utf8', maxBuffer: 1 << 28 });
  if (status === 0) return stdout.trimEnd();
  throw new ReleaseFault('git_failed', `git ${words.join(' ')}: ${(stderr || stdout).trim()}`);
}

const linesOf = (text) => text.split('\n').filter((line) => line !== '');

/** The commit that a name stands for, null for a name that stands for none. */
export function commitOf(dir, name) {
  const { status, stdout } = spawnSync('git', ['rev-parse', '--verify', '--quiet', `${name}^{commit}`], {
    cwd: dir,
    encoding: 'utf8',
  });
  return status === 0 ? stdout.trim() : null;
}

/** Branch that is checked out, when its tree is clean and its history whole: a release needs both. */
export function releasableBranch(dir) {
  const changes = linesOf(git(dir, 'status', '--porcelain'));
  if (changes.length > 0)
    throw new ReleaseFault(
      'tree_not_clean',
      `commit or stash what is changed first: ${changes.slice(0, 5).join(', ')}`,
    );
  if (git(dir, 'rev-parse', '--is-shallow-repository') === 'true')
    throw new ReleaseFault('history_cut', 'versions come from the history of this repository: git fetch --unshallow');
  const branch = git(dir, 'branch', '--show-current');
  if (branch === '') throw new ReleaseFault('no_branch', 'a release is made on a branch: git switch main');
  return branch;
}

const trailer = 'Release-Tag';
const subject = 'chore(release): ';

/** Message of a release: its trailers name the tags, so that those that were not made yet can be made by whoever comes next. */
export function releaseMessage(tags) {
  const libraries = tags.filter((tag) => tag.startsWith('@')).map((tag) => tag.replace(/^@kanade\/(.*)@/, '$1 '));
  const named = [
    ...tags.filter((tag) => !tag.startsWith('@')).map((tag) => tag.replace('@', ' ')),
    ...(libraries.length > 3 ? [`${libraries.length} libraries`] : libraries),
  ].join(', ');
  return `${subject}${named}\n\n${tags.map((tag) => `${trailer}: ${tag}`).join('\n')}\n`;
}

/** The newest release in the history of a commit: `{commit, tags, seconds}`, null before the first. */
export function lastRelease(dir, from = 'HEAD') {
  const format = `--format=%H%n%ct%n%(trailers:key=${trailer},valueonly)`;
  const found = git(dir, 'log', '-1', `--grep=^${trailer}: `, format, from);
  if (found === '') return null;
  const [commit, seconds, ...tags] = linesOf(found);
  return { commit, tags, seconds: Number(seconds) };
}

/** The release that a tag belongs to. @throws ReleaseFault `no_such_release` */
export function releaseAt(dir, tag) {
  const commit = commitOf(dir, `refs/tags/${tag}`);
  const release = commit && lastRelease(dir, commit);
  if (release?.commit !== commit)
    throw new ReleaseFault('no_such_release', `${tag} is no tag of a release: git tag --list 'product@*' names them`);
  return release;
}

/** Makes the tags of a release that are not there yet; returns those. @throws ReleaseFault `tag_taken` */
export function tagRelease(dir, { commit, tags }) {
  const made = tags.filter((tag) => {
    const found = commitOf(dir, `refs/tags/${tag}`);
    if (found !== null && found !== commit) throw tagTaken(tag, found);
    return found === null;
  });
  for (const tag of made) git(dir, 'tag', '--annotate', '--message', tag, tag, commit);
  return made;
}

export const tagTaken = (tag, commit) =>
  new ReleaseFault(
    'tag_taken',
    `${tag} is there already, at ${commit.slice(0, 12)}, which is not this release. If nobody has what it names: git tag --delete ${tag}, and git push --delete REMOTE ${tag}`,
  );

/** Tags of a remote: name → commit. */
export function remoteTags(dir, remote) {
  const tags = new Map();
  for (const line of linesOf(git(dir, 'ls-remote', '--tags', remote))) {
    const [commit, ref] = line.split('\t');
    // An annotated tag is told twice: the second time, with ^{}, as the commit that it names.
    tags.set(ref.replace('refs/tags/', '').replace('^{}', ''), commit);
  }
  return tags;
}

/** Commits that are in `HEAD` and not behind a tag, oldest first: `{hash, subject, body, files}`. */
export function commitsSince(dir, tag) {
  const range = commitOf(dir, `refs/tags/${tag}`) ? [`refs/tags/${tag}..HEAD`] : ['HEAD'];
  const log = (format, ...words) =>
    git(
      dir,
      '-c',
      'core.quotePath=false',
      'log',
      '--reverse',
      '--no-merges',
      `--format=%x1e${format}`,
      ...words,
      ...range,
    )
      .split('\x1e')
      .slice(1);
  const files = log('', '--name-only').map(linesOf);
  return log('%H%x1f%s%x1f%b').map((text, at) => {
    const [hash, subjectLine, body] = text.split('\x1f');
    return { hash, subject: subjectLine, body: body.trim(), files: files[at] };
  });
}
