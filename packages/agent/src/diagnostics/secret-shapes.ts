/** Secrets that can be told by how they look. Each pattern takes time in proportion to the text, whatever that is. */

/** Private parts of key files, whole or cut off; certificates and public keys are for everybody. */
const blocks =
  /-----BEGIN (?:[A-Z0-9 ]{0,40}(?:PRIVATE KEY|SEED)(?: BLOCK)?|NATS [A-Z]{0,20} ?JWT)-----(?:(?!-----BEGIN )[\s\S])*?(?:-----{1,2}END [A-Z0-9 ]{1,60}-----{1,2}|(?=-----BEGIN )|$)/g;

const shapes: readonly RegExp[] = [
  // JSON web tokens, also cut ones.
  /\beyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*)?/g,
  // Seeds of NKeys.
  /\bS[ACNOUX][A-Z2-7]{40,60}\b/g,
  // Hashes of passwords.
  /\$(?:argon2(?:id|i|d)|2[abxy]|[156y]|scrypt|pbkdf2[\w-]*|7)\$[^\s"'`;]+/g,
  // What makers of services give their tokens to be known by.
  /\b(?:gh[oprsu]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|gl[a-z]{2,6}-[\w-]{20,})/g,
  /\b(?:sk|pk|rk)(?:[-_](?:live|test|proj|ant|or|svcacct|admin)[\w]*)*[-_][\w-]{16,}/g,
  /\bx(?:ox[a-z]|app)-[\w-]{8,}/g,
  /\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b/g,
  /\bAIza[\w-]{30,}/g,
  /\bya29\.[\w-]{16,}/g,
  /\b(?:npm_\w{30,}|pypi-[\w-]{16,}|hf_\w{20,}|dop_v1_\w{40,}|shp(?:at|ca|pa|ss)_\w{20,}|dckr_pat_[\w-]{20,}|lin_api_\w{20,}|r8_\w{30,})/g,
  /\b(?:hv[sbr]\.[\w-]{20,}|SG\.[\w-]{16,}\.[\w-]{16,}|AGE-SECRET-KEY-1[A-Z0-9]{20,}|tskey-[\w-]{16,}|sntrys_[\w=+/-]{20,})/g,
  /(?<=\/\/hooks\.slack\.com\/services\/)[\w/]+/g,
  /(?<=\/\/discord(?:app)?\.com\/api\/webhooks\/)[\w/-]+/g,
  // One's own name and password for a program.
  /(?<=(?:^|\s)(?:-u|--user|--proxy-user)[ =]["']?[^\s:"'@/]{1,100}:)[^\s"']+/g,
];

/** Who an address logs in as. A password may hold whatever an address may not. */
const userInfo =
  /(?<=\b[a-z][a-z0-9+.-]{1,20}:\/\/)(?:[^\s/?#"'`<>]{0,1000}|[^\s/:@"'`<>]{0,200}:(?!\d{1,5}(?:[/?#\s]|$))[^\s"'`<>]{0,1000})@/gi;

const bearer = /\b(bearer\s{1,3})([\w.~+/-]{8,}=*)/gi;
const basic = /\b(basic\s{1,3})([A-Za-z0-9+/]{6,}={0,2})/gi;
const japanese =
  /((?:パスワード|暗証番号|合言葉|パスコード)\s{0,3}(?:は|が|を|:|：|=|＝)\s{0,3}[「『"]?)([^\s「」『』"。、]+?)(?=です|だ|[\s「」『』"。、]|$)/g;
const long = /(?<![\w/+.=-])[\w+/-]{32,}={0,2}(?![\w/])/g;

export function withoutShapes(text: string, removed: string): string {
  let clean = text.replace(blocks, removed).replace(userInfo, `${removed}@`);
  for (const shape of shapes) clean = clean.replace(shape, removed);
  return clean
    .replace(bearer, (all, word: string, token: string) => (isMixed(token) ? word + removed : all))
    .replace(basic, (all, word: string, token: string) => (isLogin(token) ? word + removed : all))
    .replace(japanese, `$1${removed}`)
    .replace(long, (all) => (isRandom(all) ? removed : all));
}

/** No word of a language. */
const isMixed = (token: string): boolean => /\d/.test(token) || /[a-z][A-Z]/.test(token) || token.length >= 32;

/** `user:password` in base64. */
const isLogin = (token: string): boolean =>
  /^[\x20-\x7e]+:[\x20-\x7e]*$/.test(Buffer.from(token, 'base64').toString('latin1'));

/** Made by a generator: of all kinds of signs, evenly. Hashes in hex, ids and paths are not. */
function isRandom(text: string): boolean {
  const count = (kind: RegExp): number => text.match(kind)?.length ?? 0;
  if (count(/\d/g) < 3 || count(/[A-Z]/g) < 4 || count(/[a-z]/g) < 4) return false;
  if (/(?:^|[/_-])[a-z]{3,}(?:[/_-]|$)|(?:^|[/_-])[A-Z][a-z]{3,}(?:[/_-]|$)/.test(text)) return false;
  return entropy(text) > 4.2;
}

/** Bits that a sign of the text tells. */
function entropy(text: string): number {
  const counts = new Map<string, number>();
  for (const sign of text) counts.set(sign, (counts.get(sign) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length);
  return bits;
}
