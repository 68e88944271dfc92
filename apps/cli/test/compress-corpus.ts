/** Real outputs with the errors in them: files of `compress-corpus`, a folder a group. How they were made: its README. */
import { readdirSync, readFileSync } from 'node:fs';
import { type Compression, compress } from '../src/compress/view.ts';

export interface RealOutput {
  readonly group: string;
  readonly name: string;
  readonly command: readonly string[];
  /** What stands in the output of each error: its line, or the parts that say it. */
  readonly errors: readonly (string | readonly string[])[];
  readonly stdout: string;
  readonly stderr: string;
}

const root = new URL('compress-corpus/', import.meta.url);

export function realOutputs(): RealOutput[] {
  const groups = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return groups.flatMap(({ name: group }) =>
    readdirSync(new URL(`${group}/`, root)).map((file) => {
      const text = readFileSync(new URL(`${group}/${file}`, root), 'utf8');
      const stdoutAt = text.indexOf('\n=== stdout\n');
      const stderrAt = text.lastIndexOf('=== stderr\n');
      return {
        ...(JSON.parse(text.slice(0, stdoutAt)) as Pick<RealOutput, 'command' | 'errors'>),
        ...{ group, name: file.slice(0, -'.txt'.length) },
        stdout: text.slice(stdoutAt + '\n=== stdout\n'.length, stderrAt),
        stderr: text.slice(stderrAt + '=== stderr\n'.length),
      };
    }),
  );
}

const bytes = (text: string): number => Buffer.byteLength(text);

/** An output as one call of a job with it is answered. */
export function compressedOutput({ command, stdout, stderr }: RealOutput): Compression {
  const excerpt = (text: string) => ({ text, range: [0, bytes(text)], totalBytes: bytes(text) }) as const;
  return compress({ mode: 'route', command, stdout: excerpt(stdout), stderr: excerpt(stderr) });
}

export interface Ratio {
  readonly name: string;
  readonly outputs: number;
  readonly bytes: number;
  readonly viewBytes: number;
}

/** What is read of an output: its view, or itself where that is not longer. */
export function ratioOf(output: RealOutput): Ratio {
  const { applied, stdout_compressed_bytes, stderr_compressed_bytes } = compressedOutput(output);
  const whole = bytes(output.stdout) + bytes(output.stderr);
  const viewBytes = applied ? stdout_compressed_bytes + stderr_compressed_bytes : whole;
  return { name: output.name, outputs: 1, bytes: whole, viewBytes };
}

/** Sums by group, and of all. */
export function ratios(outputs: readonly RealOutput[]): Ratio[] {
  const sum = (name: string, some: readonly RealOutput[]): Ratio => {
    const each = some.map(ratioOf);
    const total = (key: 'bytes' | 'viewBytes') => each.reduce((all, one) => all + one[key], 0);
    return { name, outputs: some.length, bytes: total('bytes'), viewBytes: total('viewBytes') };
  };
  const groups = [...new Set(outputs.map(({ group }) => group))].sort();
  return [
    ...groups.map((group) =>
      sum(
        group,
        outputs.filter((output) => output.group === group),
      ),
    ),
    sum('all', outputs),
  ];
}

/** The table of the guide. */
export const ratioTable = (rows: readonly Ratio[]): string =>
  [
    '| outputs of | how many | bytes | bytes of the views | ratio |',
    '| --- | --- | --- | --- | --- |',
    ...rows.map(
      (row) =>
        `| ${row.name} | ${row.outputs} | ${row.bytes} | ${row.viewBytes} | ${Math.round((100 * row.viewBytes) / row.bytes)} % |`,
    ),
  ].join('\n');
