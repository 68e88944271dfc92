import * as z from 'zod';
import { CheckStatus } from '../fleet/hint.ts';
import { FilledText } from '../scalar/filled-text.ts';
import { Id } from '../scalar/id.ts';
import { optional } from '../scalar/optional.ts';

/** Whom a job or a schedule is for; present but empty is a fault, because nobody could be meant. */
export const Visibility = z
  .looseObject({ all: optional(z.boolean()), groups: optional(z.array(Id)), pcs: optional(z.array(Id)) })
  .refine((v) => v.all === true || (v.groups?.length ?? 0) + (v.pcs?.length ?? 0) > 0, {
    error: 'names nobody: give all: true, groups or pcs',
  });
export type Visibility = z.infer<typeof Visibility>;

/** A machine, as far as it can be meant. */
export interface Audience {
  readonly pcId: string;
  readonly groups: readonly string[];
}

/** Whether a machine is meant: everybody (also where nobody is named), by its id, or by one of its groups. */
export function isMeant(visibility: Visibility | undefined, { pcId, groups }: Audience): boolean {
  if (visibility === undefined || visibility.all === true) return true;
  if (visibility.pcs?.includes(pcId)) return true;
  return visibility.groups?.some((group) => groups.includes(group)) ?? false;
}

/** Ask before a run: yes or no, or a text of one's own. */
export const Confirm = z.union(
  [z.boolean(), z.looseObject({ enabled: optional(z.boolean()), message: optional(FilledText) })],
  { error: 'must be true, false or { enabled, message }' },
);
export type Confirm = z.infer<typeof Confirm>;

/** Offer a job only while a check stands like this; a check that never ran does not match. For the list only. */
export const ShowWhen = z.looseObject({
  check: Id,
  is: z.union([CheckStatus, z.array(CheckStatus).min(1)], {
    error: 'must be ok, warn, fail or unknown, or a list of these',
  }),
});
export type ShowWhen = z.infer<typeof ShowWhen>;

/** Whether the newest status of the check lets the job be shown; undefined = the check never ran. */
export function isShown(showWhen: ShowWhen, status: CheckStatus | undefined): boolean {
  if (status === undefined) return false;
  return Array.isArray(showWhen.is) ? showWhen.is.includes(status) : showWhen.is === status;
}

/** Its presence offers the job to the person at the machine. `category` is free text; lower `category_order` comes first. */
export const ClientBlock = z.looseObject({
  name: FilledText,
  category: FilledText,
  description: optional(z.string()),
  icon: optional(z.string()),
  category_label: optional(z.string()),
  category_icon: optional(z.string()),
  category_order: optional(z.int()),
  visible_to: optional(Visibility),
  show_when: optional(ShowWhen),
  confirm: optional(Confirm),
  unlock: optional(Id),
});
export type ClientBlock = z.infer<typeof ClientBlock>;
