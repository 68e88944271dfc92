import { stringify } from 'yaml';
import type { Io } from '../io.ts';

/** Prints a document as one YAML document. */
export function printYaml(io: Io, document: unknown): void {
  io.stdout(stringify(document));
}
