/** Which names stand for secrets: keys of JSON, settings, variables of an environment, options of a command line, parts of an address. */

/** A word that makes a name one of a secret, wherever it stands in it. */
const secretWord =
  /(?:password|passwort|kennwort|passwd|passphrase|passcode|secret|token|credential|apikey)s?$|^(?:nkeys?|pass|(?:db|user|ssh|root|admin|smtp|my|pg)pass|pw|rootpw|(?:db|my|pg)?pwd|creds|seed|jwt|cookies?|t?otp|pin|bearer|auth|authorization|sig|dsn|(?:access|account|auth|master|private|secret)key)$/;

/** Two words that do it together. */
const secretPair =
  /^(?:(?:access|account|api|auth|encryption|host|master|private|secret|session|shared|signing|ssh) keys?|session id|amz signature|connection string|(?:backup|otp|recovery|security|support|time|unlock|verification) codes?)$/;

/** Behind such a word it is only about one: where it is, how long it holds. */
const aboutWord =
  /^(?:at|bucket|bytes|count|dir|endpoint|exists|expired|expires|expiry|file|files|id|ids|is|kind|length|limit|max|min|mode|ms|name|names|owner|path|policy|prefix|present|required|ring|secs|status|ttl|type|url)$/;

/** Numbers under these words count something. */
const countedWord = /^(?:pass|seed|tokens)$/;

/** In the query of an address these stand for secrets, too. */
const queryWord = /^(?:code|key|sig|signature)$/;

/** The words of a name: `dbPassword`, `DB_PASSWORD` and `db.password` have the same. */
const wordsOf = (name: string): string[] =>
  name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '');

/** What a name says of its value. `counted`: a secret, unless it is a number. */
export type NameKind = 'secret' | 'counted' | 'plain';

export function kindOfName(name: string, isInQuery = false): NameKind {
  const words = wordsOf(name);
  let kind: NameKind = 'plain';
  for (const [at, word] of words.entries()) {
    const pair = `${words[at - 1] ?? ''} ${word}`;
    const bare = word.replace(/\d+$/, '');
    if (!(secretWord.test(bare) || secretPair.test(pair) || (isInQuery && queryWord.test(word)))) continue;
    if (words.slice(at + 1).some((later) => aboutWord.test(later))) continue;
    if (!countedWord.test(word)) return 'secret';
    kind = 'counted';
  }
  return kind;
}
