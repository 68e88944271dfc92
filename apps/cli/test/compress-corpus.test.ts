/** Every error of real outputs is in their compressed view. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { compressedOutput, ratioOf, ratios, ratioTable, realOutputs } from './compress-corpus.ts';

const outputs = realOutputs();

describe('the corpus', () => {
  it('has outputs of many tools, and errors in more than half of them', () => {
    expect(outputs.length).toBeGreaterThanOrEqual(80);
    expect(outputs.filter(({ errors }) => errors.length > 0).length).toBeGreaterThan(outputs.length / 2);
  });

  it('names no place but those it was made in', () => {
    for (const { stdout, stderr, command } of outputs) {
      expect(`${command.join(' ')}\n${stdout}\n${stderr}`).not.toMatch(/\/(?:root|work)\/|\/home\/(?!demo|yuki)/);
    }
  });
});

it.each(outputs.map((output) => [`${output.group}/${output.name}`, output] as const))('%s', (_name, output) => {
  const { applied, stdout, stderr, left_out = [] } = compressedOutput(output);
  const view = `${stdout}\n${stderr}`;
  // Nothing applied: the output is read as it is.
  const missing = !applied ? [] : output.errors.filter((error) => [error].flat().some((part) => !view.includes(part)));
  expect(missing).toEqual([]);
  for (const { error_lines } of left_out) expect(error_lines).toBe(0);
  const { bytes, viewBytes } = ratioOf(output);
  expect(viewBytes).toBeLessThanOrEqual(bytes);
});

it('docs/guide/compression.md has the table of ratios', () => {
  const page = readFileSync(new URL('../../../docs/guide/compression.md', import.meta.url), 'utf8');
  expect(page).toContain(ratioTable(ratios(outputs)));
});
