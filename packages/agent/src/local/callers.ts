/** Whom the machine's local door lets in, and who sees what is told to people: by the credentials that the system tells. */
import { type AcceptVerdict, userPolicy } from '@kanade/klp/socket';
import { accountRow } from '@kanade/runner/process';

/** `onlyUid`: this user and nobody else; otherwise the people of this machine (`callers` in `rules.ts`). */
export const callerPolicy = (onlyUid: number | undefined): ((peer: { uid: number }) => AcceptVerdict) =>
  onlyUid === undefined ? userPolicy({ readPasswd: accountRow }) : onlyOne(onlyUid);

const onlyOne =
  (uid: number) =>
  (peer: { uid: number }): AcceptVerdict =>
    peer.uid === uid ? { ok: true } : { ok: false, reason: 'this agent serves only the user who runs it' };
