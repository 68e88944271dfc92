import { expect, it } from 'vitest';
import { kindByCommand } from './by-command.ts';

/** The table of the contract (section 7.7), a line each: kind, then calls that are of it. */
const table = `
git-status      | git status | git -C /srv/demo status -s | git -c core.pager= --git-dir x --work-tree y status
git-log         | git log --oneline | /usr/bin/git log
git-diff        | git diff HEAD~1 | git --no-pager diff | git --git-dir=/srv/x/.git diff
git-show        | git show
git-push        | git push origin main
git-pull        | git pull --rebase
git-branch      | git branch -a
git-stash       | git stash list
git             | git | git fetch | git clone x
cargo-test      | cargo test | cargo +nightly test -p x
typescript      | tsc | tsc --noEmit | next build | npx tsc -p .
js-lint         | eslint . | biome check | prettier --check . | npx --yes eslint src
js-test         | npm test | pnpm run test | yarn test | npm run test:unit | pnpm exec vitest run | node --test
js-packages     | npm install | pnpm add x | yarn list | npm ls | npm outdated | pnpm i
python-test     | pytest -q | py.test | python3 -m pytest | python -m unittest -v | uv run pytest
python-lint     | ruff check . | ruff format --check
python-typecheck| mypy src | python -m mypy .
python-packages | pip list | pip freeze | pip list --outdated | uv pip list | python3 -m pip freeze
go-test         | go test ./...
go-diagnostics  | go build ./... | go vet | golangci-lint run
search          | rg TODO | grep -rn x .
list            | ls -la | tree | find . -name x
file-text       | cat a b | head x | tail -n 5 x
json-structure  | jq . x
env             | env | printenv
docker-logs     | docker logs x | docker compose -f a.yml logs web
docker-table    | docker ps -a | docker images
kubernetes-logs | kubectl logs pod
kubernetes-table| kubectl get pods
github-cli      | gh pr list
gitlab-cli      | glab mr list
aws             | aws s3 ls
http-transfer   | curl -O x | wget x
psql-table      | psql -c 'select 1'
`;
const rows = table
  .trim()
  .split('\n')
  .flatMap((row) => {
    const [kind = '', ...calls] = row.split('|').map((cell) => cell.trim());
    return calls.map((call) => [call, kind] as const);
  });

it.each(rows)('%s is %s: as words, as one string, behind sh -c and bash -lc', (call, kind) => {
  const words = call.split(' ');
  for (const command of [words, [call], ['sh', '-c', call], ['/bin/bash', '-lc', call], ['zsh', '-l', '-c', call]]) {
    // One word is one shell string, whatever it is.
    expect(kindByCommand(command)).toBe(kind);
  }
});

it.each([
  ['cd /srv/demo && git status', 'git-status'],
  ['cd x; export A=1; cargo test 2>&1 | tail -50', 'cargo-test'],
  ['CI=1 npm test | tee out.log', 'js-test'],
  ['set -e\ncd x\npytest -q > out.txt 2>&1', 'python-test'],
  ['time env RUST_BACKTRACE=1 timeout 60 cargo test', 'cargo-test'],
  ["cat a.txt | grep -n 'x;y'", 'search'],
  ['git status && git status -s', 'git-status'],
  ['git status; cargo test', undefined],
  ['make test', undefined],
  ['', undefined],
  ['"', undefined],
  [';;;&&||', undefined],
  [`${'a "b'.repeat(2_000)}`, undefined],
])('%j routes to %s', (script, kind) => {
  expect(kindByCommand(['sh', '-lc', script])).toBe(kind);
  expect(kindByCommand([script])).toBe(kind);
});

it('says nothing of no words, and of names that objects have', () => {
  for (const words of [[], [''], ['constructor'], ['toString', 'x'], ['sh'], ['sh', '-c'], ['hasOwnProperty']]) {
    expect(kindByCommand(words)).toBeUndefined();
  }
});
