/** `gh` and `glab`: headings, fields, and what succeeded or failed. */
import { createPicker } from './filter.ts';

const shown =
  /^\s*[#!]|^\s*(?:title|state|author|labels?|assignees?|reviewers?|checks?|status|url|number|draft|milestone)\b\s*:?|\b(?:failure|failed|fail|error|passed|pass|success|pending|cancelled)\b|https?:\/\//i;

export const forge = createPicker((text) => shown.test(text));
