/** What commits mean for versions and changelogs: pure, so that its rules are a table in a test. */

const bumps = { feat: 'minor', fix: 'patch', perf: 'patch', revert: 'patch' };

/**
 * What a user has to know of a commit: `{type, scope, text, breaking, hash}`; null for one of which they need not know.
 * `breaking` says what they have to change, null where nothing breaks.
 */
export function changeOf({ hash, subject, body }) {
  const reverted = /^Revert "(.*)"$/.exec(subject);
  const [, type, , scope, mark, text] = /^(\w+)(\(([^)]*)\))?(!)?: (.+)$/.exec(reverted?.[1] ?? subject) ?? [];
  const told = /^BREAKING[ -]CHANGE: ([\s\S]*?)(?:\n\n|(?![\s\S]))/m.exec(body)?.[1]?.replace(/\s+/g, ' ');
  const breaking = told ?? (mark ? text : null);
  if (!Object.hasOwn(bumps, type ?? '') && breaking === null) return null;
  const change = { type, scope: scope ?? '', text, breaking, hash };
  return reverted ? { ...change, type: 'revert', text: `taken back: ${text}` } : change;
}

export const bumpOf = ({ type, breaking }) => (breaking === null ? bumps[type] : 'major');

/** Files of a project that neither ship nor make what ships. */
const aside = /^(test|bench|api)\/|\.test\.[cm]?tsx?$|^(tsconfig|vitest\.config)[^/]*$|^CHANGELOG\.md$/;

/** Projects that a commit touches: those of its files, and for what it changes in versions of others, those that use them. */
export function touchedProjects(files, projects, catalogNames = []) {
  const touched = projects.filter(
    ({ dir, catalog }) =>
      files.some((file) => file.startsWith(`${dir}/`) && !aside.test(file.slice(dir.length + 1))) ||
      catalog.some((name) => catalogNames.includes(name)),
  );
  // Whatever is locked goes into the executable.
  const all = files.includes('pnpm-lock.yaml')
    ? [...touched, ...projects.filter(({ isProduct }) => isProduct)]
    : touched;
  return [...new Set(all)];
}

/** Without commits that were taken back, and without those that take them back. */
export function withoutReverted(commits) {
  const gone = new Set();
  for (const { hash, body } of commits) {
    const [, reverted] = /^This reverts commit ([0-9a-f]{7,40})/m.exec(body) ?? [];
    const found = reverted && commits.find((commit) => commit.hash.startsWith(reverted));
    if (found) for (const one of [hash, found.hash]) gone.add(one);
  }
  return commits.filter(({ hash }) => !gone.has(hash));
}

/**
 * Plans for `nx release`, one for each change: `{bumps: {project: bump}, change}`. A change of a library is one of the product,
 * too, which contains it: a patch, because what breaks a library's users breaks nobody who runs the program.
 */
export function plansOf(commits, projects) {
  const product = projects.find(({ isShip }) => isShip);
  return withoutReverted(commits).flatMap((commit) => {
    const change = changeOf(commit);
    const touched = change === null ? [] : touchedProjects(commit.files, projects, commit.catalogNames);
    const news = touched.filter(({ name, isFirst }) => !isFirst && commit.newFor.includes(name));
    if (news.length === 0) return [];
    const plan = { change, bumps: Object.fromEntries(news.map(({ name }) => [name, bumpOf(change)])) };
    if (!product || product.isFirst || !commit.newFor.includes(product.name)) return [plan];
    if (news.some(({ isProduct }) => isProduct))
      return [{ ...plan, bumps: { ...plan.bumps, [product.name]: bumpOf(change) } }];
    return [plan, { change: { ...change, breaking: null }, bumps: { [product.name]: 'patch' } }];
  });
}
