/** The part of `schema` that is loaded on demand: it brings the schema library. */

import { jobSchemaDocument } from '@kanade/shared/job';
import { type DocumentName, documentNames, documentSchema } from '@kanade/shared/manifest';

/** JSON Schema of every answer, or of a document that people write; undefined for a name that is none. */
export function schemaDocument(name: string | undefined): unknown {
  if (name === undefined) return jobSchemaDocument();
  return documentNames.includes(name as DocumentName) ? documentSchema(name as DocumentName) : undefined;
}

export { documentNames };
