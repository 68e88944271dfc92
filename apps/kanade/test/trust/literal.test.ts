/**
 * What got past lists of forbidden commands elsewhere (quotes, newlines, substitutions, another spelling of a path), as values: there
 * is no such list here, because none is needed. A value arrives as it is, and nothing in it is ever run.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { eventually } from '@kanade/testkit';
import { beforeAll, describe, expect, it } from 'vitest';
import { opening, speak, toolCall } from '../mcp/clients.ts';
import { served } from '../served.ts';
import { openPlainPerson } from './plain-person.ts';
import { openSite, type Site } from './site.ts';

/** Values that a shell would make a call of `touch mark` of. */
const hostile = (mark: string): readonly string[] => {
  const call = `touch ${mark}`;
  return [
    ...[
      `$(${call})`,
      `\`${call}\``,
      `"$(${call})"`,
      `'$(${call})'`,
      `\\$(${call})`,
      `$(eval "${call}")`,
      `$((\`${call}\`))`,
    ],
    ...[`<(${call})`, `>(${call})`, `=(${call})`, `\${x:-$(${call})}`, `\${x:=\`${call}\`}`, `\${IFS}$(${call})`],
    ...[`; ${call}`, `;${call};`, `| ${call}`, `|| ${call}`, `&& ${call}`, `& ${call} &`, `\n${call}\n`, `\r\n${call}`],
    ...[
      `'; ${call}; '`,
      `"; ${call}; "`,
      `\`; ${call}`,
      `x' && ${call} && '`,
      `x" | ${call} #`,
      `\\'; ${call}`,
      `\\"; ${call}`,
    ],
    ...[`$'\\n${call}'`, `$"; ${call}"`, `{${call.replace(' ', ',')}}`, `touch\${IFS}${mark}`, `touch$IFS$9${mark}`],
    ...[
      `/bin/../bin/${call}`,
      `./../../../bin/${call}`,
      `\\t\\o\\u\\c\\h ${mark}`,
      `t''ouch ${mark}`,
      `t"o"uch ${mark}`,
    ],
    ...[
      `env ${call}`,
      `command ${call}`,
      `builtin eval ${call}`,
      `exec ${call}`,
      `sh -c '${call}'`,
      `. /dev/stdin <<< '${call}'`,
    ],
    ...[
      `> ${mark}`,
      `>> ${mark}`,
      `2> ${mark}`,
      `&> ${mark}`,
      `<> ${mark}`,
      `<<E\n$(${call})\nE`,
      `() { :; }; ${call}`,
    ],
    ...[
      '%PATH%',
      '^&calc^&',
      '"&calc&"',
      '!!',
      '!x',
      '*',
      '?',
      '[a-z]',
      '~',
      '~root',
      '$0',
      '$@',
      '$*',
      '$#',
      '$$',
      '$?',
      '#x',
    ],
    ...[
      '',
      ' ',
      '  two  blanks  ',
      '\t',
      '-',
      '--',
      '-c',
      '-e',
      '--help',
      '-rf',
      '=',
      'A=B',
      '\\',
      '\\\\',
      "'",
      '"',
      '`',
      '$',
      '\u202e\u2066',
    ],
    ...[
      '\u0001\u001b[2J',
      'a\u00a0b',
      '\u2028',
      '％PATH％',
      '＄(touch)',
      'é\u0301',
      '\ud83d\udca9',
      `${"'".repeat(999)}"`,
      'x'.repeat(500),
    ],
  ];
};

/** Ends each argument with a byte that no value here has. */
const shown = ['/usr/bin/printf', '%s\\003'];
const spelled = (values: readonly string[]): string => values.map((value) => `${value}\u0003`).join('');

const stdoutOf = (site: Site, jobId: unknown): string =>
  readFileSync(`${site.root}/${String(jobId)}/stdout.log`, 'utf8');

describe('a value that would be a command', () => {
  let values: readonly string[];
  beforeAll(() => {
    values = hostile('mark');
    expect(new Set(values).size).toBe(values.length);
  });

  it.each<[string, string[]]>([
    ['by itself', []],
    ['under another shell', ['--shell-wrapper', 'bash -c']],
    ['with nothing of the environment', ['--no-inherit-env']],
  ])('arrives as an argument of a job, %s', async (_name, options) => {
    await using site = await openSite();
    const ran = await site.answer(['run', '--forever', ...options, '--', ...shown, ...values]);
    expect(ran).toMatchObject({ ok: true, exit_code: 0 });
    expect(stdoutOf(site, ran.job_id)).toBe(spelled(values));
    const again = await site.answer(['restart', String(ran.job_id)]);
    expect(again).toMatchObject({ ok: true });
    expect(await site.answer(['wait', String(ran.job_id)])).toMatchObject({ ok: true, exit_code: 0 });
    expect(stdoutOf(site, ran.job_id)).toBe(spelled(values));
    expect(existsSync(`${site.path}/mark`)).toBe(false);
  });

  it('arrives as a variable, on standard input and as a directory, and is written as data', async () => {
    await using site = await openSite();
    const set = values.flatMap((value, at) => ['--env', `V${at}=${value}`]);
    const variables = values.map((_, at) => `"$V${at}"`).join(' ');
    const input = spelled(values);
    const print = `cat; printf '%s\\003' ${variables}`;
    const ran = await site.answer(['run', '--forever', ...set, '--stdin', input, '--', 'sh', '-c', print]);
    expect(ran).toMatchObject({ ok: true, exit_code: 0 });
    expect(stdoutOf(site, ran.job_id)).toBe(input + spelled(values));
    const names = values.filter((value) => /^[^\0/\n]{1,200}$/.test(value) && !/^\.{0,2}$/.test(value));
    for (const name of names.filter((_, at) => at % 3 === 0)) {
      mkdirSync(`${site.path}/d/${name}`, { recursive: true });
      const there = await site.answer(['run', '--forever', '--cwd', `d/${name}`, '--', '/bin/pwd']);
      expect([name, stdoutOf(site, there.job_id)]).toEqual([name, `${site.path}/d/${name}\n`]);
    }
    expect(existsSync(`${site.path}/mark`)).toBe(false);
  });

  it('arrives over MCP and HTTP as an argument, a variable and standard input', async () => {
    await using site = await served();
    await using mcp = speak(site.jobs);
    const words = values.filter((value) => value !== ''); // an empty word is refused there
    const env = Object.fromEntries(values.map((value, at) => [`V${at}`, value]));
    const print = `cat; printf '%s\\003' ${values.map((_, at) => `"$V${at}"`).join(' ')} "$@"`;
    const asked = { command: ['sh', '-c', print, 'sh', ...words], env, stdin: spelled(values), until: 50 };
    mcp.send(...opening, toolCall('ran', 'run', asked));
    const called = await eventually('the call is answered', () => mcp.answers().find(({ id }) => id === 'ran'));
    const posted = await site.answer('/exec', { json: asked });
    for (const ran of [called.result?.structuredContent, posted]) {
      expect(ran).toMatchObject({ ok: true, exit_code: 0 });
      const expected = spelled(values) + spelled(values) + spelled(words);
      expect(readFileSync(String(ran?.stdout_log_path), 'utf8')).toBe(expected);
    }
    expect(existsSync(`${site.jobs.path}/mark`)).toBe(false);
  });

  it('in the manifest of a job is its name, its directory or its script, and nothing else', async () => {
    await using site = await openSite();
    const script = `pwd; printf '%s\\003' ${values.map((value) => `'${value.replaceAll("'", `'\\''`)}'`).join(' ')}`;
    const named = values.filter((value) => value.trim() !== '').slice(0, 20);
    for (const [at, name] of named.entries()) {
      mkdirSync(`${site.path}/${at}/$(touch mark) ; "'`, { recursive: true });
      const execute = { shell: 'sh', timeout: '60s', cwd: `${site.path}/${at}/$(touch mark) ; "'`, script };
      const client = { name, category: name, description: name };
      writeFileSync(
        `${site.manifests}/job-${at}.yaml`,
        JSON.stringify({ id: `job-${at}`, version: name, execute, client }),
      );
    }
    const agent = site.startAgent();
    await agent.ready();
    await using person = await openPlainPerson(site.socket);
    const { items } = await person.call('jobs.list');
    expect(
      (items as { display_name: string; version: string }[]).map(({ display_name }) => display_name).sort(),
    ).toEqual([...named].sort());
    for (const at of named.keys()) {
      const end = await person.end(await person.start(`job-${at}`));
      expect(end).toMatchObject({ status: 'completed', exit_code: 0 });
      expect(end.stdout_chunk).toBe(`${site.path}/${at}/$(touch mark) ; "'\n${spelled(values)}`);
      expect(existsSync(`${site.path}/${at}/mark`)).toBe(false);
    }
  });
});
