/** Reading the log of a real agent over a real broker. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { logHeaders } from '@kanade/shared/fleet';
import { eventually, natsServers } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { commandFor } from './operator.ts';
import { openPerson } from './person.ts';
import { openWatched } from './watched.ts';

describe.each(await natsServers())('the log of an agent with nats-server $version', ({ path }) => {
  it('is in a file of its data directory, and is read from a position on, through a restart', async () => {
    const { operator, site, agent, start, connection } = await openWatched(path);
    const ask = async (question: object | string) => {
      const body = typeof question === 'string' ? question : JSON.stringify(question);
      const message = await connection.request('logs.fetch.pc-1', body, { timeout: 30_000 });
      const of = (name: string): string => message.headers?.get(name) ?? '';
      return {
        text: message.string(),
        position: of(logHeaders.position),
        gap: of(logHeaders.gap),
        error: of(logHeaders.error),
      };
    };
    const file = join(site.data, 'agent.log');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    // What was logged before the file was known goes where it always went.
    const all = await ask({});
    expect(all).toMatchObject({ text: expect.stringContaining('connected to the broker'), gap: '', error: '' });
    expect(readFileSync(file, 'utf8').startsWith(all.text)).toBe(true);
    await eventually('it went there, too', () => agent.log().includes(all.text));
    expect((await ask({ tail_lines: 1 })).text.split('\n')).toHaveLength(2);
    // Whoever runs the agent gets it at the machine, too, as it is.
    const person = await openPerson(site.socket);
    const { lines } = await person.call('system.log_tail', { lines: 1_000 });
    await person.close();
    expect(readFileSync(file, 'utf8')).toContain(`${lines.join('\n')}\n`);
    expect(lines.join('\n')).toContain('connected to the broker');

    const held = ask({ after: all.position, wait_ms: 20_000 });
    const command = commandFor('true');
    await operator.order('commands.pc.pc-1.job', command);
    expect((await held).text).toContain('\n');
    await operator.result(command.request_id);
    const rest = await ask({ after: all.position });
    expect(rest.text).toContain('run ended');

    // The next agent goes on in the same file, and a position is good for it, too.
    await agent.end();
    await start();
    const later = await ask({ after: rest.position });
    expect(later).toMatchObject({ gap: '', text: expect.stringContaining('the agent ends') });
    expect(readFileSync(file, 'utf8').startsWith(all.text + rest.text + later.text)).toBe(true);
    for (const [question, error] of [
      ['{', 'no JSON'],
      ['{"tail_lines":-1}', 'tail_lines must be at least 0'],
    ] as const) {
      expect(await ask(question)).toMatchObject({ text: '', error: expect.stringContaining(error) });
    }
    expect(await ask({ after: 'nonsense' })).toMatchObject({ gap: 'true', text: expect.stringContaining(all.text) });
  });
});
