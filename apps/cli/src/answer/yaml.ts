import { stringify } from 'yaml';

/** A document as one YAML document. */
export const yamlOf = (document: unknown): string => stringify(document);
