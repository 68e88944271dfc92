import { stringify } from 'yaml';
import type { Answer } from './command.ts';
import type { Io } from './io.ts';
import { envelopeOf } from './output.ts';

/** Prints an answer as one YAML document. */
export function printYaml(io: Io, answer: Answer): void {
  io.stdout(stringify(envelopeOf(answer)));
}
