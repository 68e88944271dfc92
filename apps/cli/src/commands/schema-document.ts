/** The part of `schema` that is loaded on demand. */
export { jobSchemaDocument as schemaDocument } from '@kanade/shared/job';
