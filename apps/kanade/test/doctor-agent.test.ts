/** What `kanade doctor` says of the agent of a machine: the file is one that a real agent made, and lost. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { openOutbox } from '@kanade/outbox';
import { describe, expect, it } from 'vitest';
import { startAgent } from './agent.ts';
import { jobsRoot } from './program.ts';

interface Finding {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
  readonly fix?: string;
}

/** A place for an agent's data, and what doctor finds there, by name. */
async function openPlace() {
  const jobs = await jobsRoot();
  const dataDir = `${jobs.path}/data`;
  return {
    dataDir,
    file: `${dataDir}/agent.db`,
    findings: (...args: string[]) => findingsWith({ KANADE_AGENT_DATA_DIR: dataDir }, ...args),
    findingsWith,
    [Symbol.asyncDispose]: () => jobs[Symbol.asyncDispose](),
  };
  async function findingsWith(env: Record<string, string>, ...args: string[]): Promise<Record<string, Finding>> {
    const answer = await jobs.answer(['doctor', ...args], { env });
    const findings = (answer.findings as Finding[]).filter(({ name }) => name.startsWith('agent'));
    expect(answer.status).toBe(0);
    expect(answer.healthy).toBe((answer.findings as Finding[]).every(({ ok }) => ok));
    for (const finding of findings) if (!finding.ok) expect(finding.fix).toMatch(/\w/);
    return Object.fromEntries(findings.map((finding) => [finding.name, finding]));
  }
}

const holds = (text: string) => expect.stringContaining(text);

describe('doctor', () => {
  it('says that there is no agent, where there is none', async () => {
    await using place = await openPlace();
    const none = { agent: { name: 'agent', ok: true, detail: holds(`nothing in ${place.dataDir}`) } };
    expect(await place.findings()).toEqual(none);
    mkdirSync(place.dataDir);
    expect(await place.findings()).toEqual(none);
    expect(readdirSync(place.dataDir)).toEqual([]);
    expect((await place.findings('--data-dir', 'other')).agent?.detail).toMatch(/nothing in \/.*\/other$/);
  });

  it('finds a sound file, and who works on it', async () => {
    await using place = await openPlace();
    const sound = {
      agent_file: { ok: true, detail: `${place.file} is sound` },
      agent_losses: { ok: true, detail: 'nothing was ever lost' },
      // Its starts and stops wait to be told; nothing of them is a fault.
      agent_results: { ok: true, detail: holds(' wait for their delivery, 0 in quarantine, 0 lost by damage') },
    };
    {
      await using agent = await startAgent({ dataDir: place.dataDir });
      const who = process.platform === 'linux' ? `process ${agent.pid} works on` : 'whether an agent works on it';
      expect(await place.findings()).toMatchObject({ ...sound, agent: { ok: true, detail: holds(who) } });
    }
    const before = readFileSync(place.file);
    writeFileSync(`${place.dataDir}.toml`, '[agent]\ndata_dir = "data"\n', { mode: 0o644 });
    const told = { KANADE_AGENT_DATA_DIR: '', KANADE_AGENT_CONFIG: `${place.dataDir}.toml` };
    expect((await place.findingsWith(told)).agent_file).toMatchObject(sound.agent_file);
    expect(await place.findings()).toMatchObject(sound);
    if (process.platform === 'linux') expect((await place.findings()).agent?.detail).toMatch(/^no agent works now on/);
    expect(readFileSync(place.file)).toEqual(before);
  });

  it('says that a file is damaged, then what its agent lost and when, until the old file is removed', async () => {
    await using place = await openPlace();
    await (await startAgent({ dataDir: place.dataDir }))[Symbol.asyncDispose]();
    const sinceMs = Date.now();
    writeFileSync(place.file, 'name,size\n'.repeat(900));
    const before = readdirSync(place.dataDir);
    expect(await place.findings()).toMatchObject({
      agent: { ok: true },
      agent_file: { ok: false, detail: holds(`${place.file} is damaged`), fix: holds('start the agent') },
    });
    expect(readdirSync(place.dataDir)).toEqual(before);

    await (await startAgent({ dataDir: place.dataDir }))[Symbol.asyncDispose]();
    const { agent_file, agent_losses } = await place.findings();
    expect(agent_file).toMatchObject({ ok: true });
    expect(agent_losses).toMatchObject({ ok: false, detail: holds('rows may be lost of admission (') });
    const atMs = Date.parse(/replaced at (\S+)/.exec(agent_losses?.detail ?? '')?.[1] ?? '');
    expect(atMs).toBeGreaterThanOrEqual(sinceMs);
    expect(atMs).toBeLessThanOrEqual(Date.now());
    const kept = readdirSync(place.dataDir).filter((name) => name.includes('.damaged-'));
    expect(kept.length).toBeGreaterThan(0);
    expect(agent_losses?.fix).toContain(`${place.dataDir}/${kept[0]}`);

    for (const name of kept) rmSync(`${place.dataDir}/${name}`);
    expect((await place.findings()).agent_losses).toMatchObject({ ok: true, detail: holds('admission (') });
  });

  it('calls a directory in the place of the file damage', async () => {
    await using place = await openPlace();
    mkdirSync(place.file, { recursive: true });
    expect(await place.findings()).toMatchObject({ agent_file: { ok: false, detail: holds('it is a directory') } });
  });

  it('counts the results that wait, and says what to do about those in quarantine', async () => {
    await using place = await openPlace();
    await (await startAgent({ dataDir: place.dataDir }))[Symbol.asyncDispose]();
    const told = Number.parseInt((await place.findings()).agent_results?.detail ?? '', 10); // that it started and stopped
    {
      await using outbox = openOutbox({ path: place.file, as: 'guest' });
      const record = { subject: 'results.r', body: new Uint8Array([1]) };
      for (const id of ['a', 'b', 'poison']) await outbox.enqueue({ ...record, id });
      await outbox.quarantine({ ids: ['poison'] }, { reason: 'Error: no' });
    }
    expect((await place.findings()).agent_results).toMatchObject({
      ok: false,
      detail: `${told + 2} wait for their delivery, 1 in quarantine, 0 lost by damage`,
      fix: holds(`kanade outbox replay ${place.file} --all`),
    });
  });
});
