/** What the installed skill tells an agent to call, call by call; what it says of answers and events is held against the real ones. */
import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { eventually } from '@kanade/testkit';
import { expect, it } from 'vitest';
import { type Json, jobsRoot, program, start } from './program.ts';

const files = ['SKILL.md', 'references/cli-contract.md', 'references/completion-events.md', 'references/openclaw.md'];

type Root = Awaited<ReturnType<typeof jobsRoot>>;

/** The skill as it is installed, and its blocks of one language. */
async function installed(jobs: Root) {
  await jobs.answer(['install-skills']);
  const textOf = (file: string): string => readFileSync(`${jobs.path}/.agents/skills/agent-exec/${file}`, 'utf8');
  const blocksOf = (file: string, language: string): string[][] =>
    [...textOf(file).matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(([, block = '']) =>
      block.trim().split('\n'),
    );
  return { textOf, blocksOf };
}

/** Numbers that differ each time. */
const varies = /(_ms|_bytes|range)$/;

/** What an example says must be so; … stands for what differs each time. */
function compare(example: unknown, real: unknown, path: string): void {
  const key = path.split('.').at(-1) ?? '';
  if (typeof example === 'string' && example.includes('…')) {
    const pattern = example
      .split('…')
      .map((part) => part.replace('3f2a9c1e', '').replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
    expect([path, real]).toEqual([path, expect.stringMatching(new RegExp(`^${pattern.join('[^]*')}$`))]);
  } else if (Array.isArray(example)) {
    expect([path, (real as unknown[] | undefined)?.length]).toEqual([path, example.length]);
    for (const [at, item] of example.entries()) compare(item, (real as unknown[])[at], `${path}.${at}`);
  } else if (typeof example === 'object' && example !== null) {
    for (const [name, value] of Object.entries(example))
      compare(value, (real as Json | null)?.[name], `${path}.${name}`);
  } else if (typeof example === 'number' && varies.test(key)) expect([path, typeof real]).toEqual([path, 'number']);
  else expect([path, real]).toEqual([path, example]);
}

it.each(files)('%s: every call answers as it is said', async (file) => {
  await using jobs = await jobsRoot();
  const { blocksOf } = await installed(jobs);
  const quoted = program.map((word) => `'${word}'`).join(' ');
  let [job, cursor] = ['', ''];
  let compared = 0;
  const lines = blocksOf(file, 'sh').flat();
  for (const [at, line] of lines.entries()) {
    if (line.startsWith('#')) continue;
    const said = lines[at + 1] ?? '';
    const script = line.replaceAll('3f2a9c1', job).replaceAll('CURSOR', `'${cursor}'`);
    const { status, stdout, stderr } = await jobs.call(['-c', `kanade() { ${quoted} "$@"; }\n${script}`], {
      words: ['bash', '--norc'],
    });
    expect([line, stderr]).toEqual([line, '']);
    const answer = JSON.parse(stdout) as Json;
    expect([line, status]).toEqual([line, answer.ok === true ? 0 : 1]);
    compare(JSON.parse(said.replace(/^# /, '')), answer, line);
    compared++;
    job = String(answer.job_id ?? job);
    cursor = String(answer.cursor ?? cursor);
  }
  expect(compared).toBeGreaterThan(0);
});

it('the events are as it is said, key by key', async () => {
  await using jobs = await jobsRoot();
  const { blocksOf } = await installed(jobs);
  const quoted = program.map((word) => `'${word}'`).join(' ');
  for (const line of blocksOf('references/completion-events.md', 'sh').flat())
    if (line.includes('events.ndjson'))
      await jobs.call(['-c', `kanade() { ${quoted} "$@"; }\n${line}`], { words: ['bash', '--norc'] });
  const [examples = []] = blocksOf('references/completion-events.md', 'json');
  const path = `${jobs.path}/events.ndjson`;
  const told = await eventually('both are told', () => {
    const lines = existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : [];
    return lines.length >= examples.length ? lines : undefined;
  });
  const byType = (lines: readonly string[]) =>
    new Map(lines.map((line) => JSON.parse(line) as Json).map((event) => [event.event_type, event]));
  const real = byType(told);
  for (const [type, example] of byType(examples)) {
    expect([type, Object.keys(real.get(type) ?? {})]).toEqual([type, Object.keys(example)]);
    compare(example, real.get(type), String(type));
  }
  expect(examples.length).toBe(2);
});

it('the tools are there by the words that a host is told, and take the call that is shown', async () => {
  await using jobs = await jobsRoot();
  const { blocksOf } = await installed(jobs);
  const servers = JSON.parse(blocksOf('references/cli-contract.md', 'json')[0]?.join('') ?? '') as Json;
  const { command, args } = (servers.mcpServers as Record<string, { command: string; args: string[] }>).jobs ?? {};
  expect(command).toBe('kanade');
  const { child } = start(args ?? [], { input: 'open', cwd: jobs.path, env: { AGENT_EXEC_ROOT: jobs.root } });
  if (!child.stdin || !child.stdout) throw new Error('no pipes');
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const send = (message: Json) => child.stdin?.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  const ask = async (id: number, method: string, params: Json): Promise<Json> => {
    send({ id, method, params });
    for (;;) {
      const { value, done } = await answers.next();
      if (done) throw new Error(`no answer to ${method}`);
      const message = JSON.parse(value) as Json;
      if (message.id === id) return message.result as Json;
    }
  };
  const clientInfo = { name: 'skill', version: '1' };
  await ask(1, 'initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo });
  send({ method: 'notifications/initialized' });
  const { tools } = await ask(2, 'tools/list', {});
  const names = (tools as Json[]).map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(['run', 'status', 'tail', 'wait', 'kill']));
  const [call] = blocksOf('SKILL.md', 'json');
  const { structuredContent } = await ask(3, 'tools/call', JSON.parse(call?.join('') ?? '') as Json);
  expect(structuredContent).toMatchObject({
    ok: true,
    type: 'run',
    state: 'exited',
    exit_code: 2,
    stdout: 'compiling\n',
  });
  child.stdin.end();
});

it('is written with the name that the shell finds', async () => {
  await using jobs = await jobsRoot();
  const bin = `${jobs.path}/bin`;
  mkdirSync(bin);
  const textFor = async (name: string, words: readonly string[]): Promise<string> => {
    symlinkSync(program.at(-1) ?? '', `${jobs.path}/${name}`);
    await jobs.call(['install-skills'], { words, env: { PATH: `${bin}:/usr/bin:/bin` } });
    return readFileSync(`${jobs.path}/.agents/skills/agent-exec/SKILL.md`, 'utf8');
  };
  const called = (name: string) => [...program.slice(0, -1), `${jobs.path}/${name}`];
  expect(await textFor('kanade', called('kanade'))).toContain('kanade run -- COMMAND');
  writeFileSync(`${bin}/agent-exec`, '#!/bin/sh\n');
  chmodSync(`${bin}/agent-exec`, 0o755);
  const text = await textFor('agent-exec', called('kanade'));
  expect(text).toContain('agent-exec run -- COMMAND');
  expect(text).not.toMatch(/\bkanade\b/);
});
