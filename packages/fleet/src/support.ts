/** Support codes: how they are kept, and how one is recognised. */
export { hashCode, isCodeOf } from './support/code-hash.ts';
