import { describe, expect, it } from 'vitest';
import { kindOfName } from './secret-names.ts';
import { documentWithoutSecrets, removed, secretValues, withoutSecrets } from './without-secrets.ts';

/** Put together at run time, so that no scanner takes this file for a leak. */
const of = (...parts: string[]): string => parts.join('');
const upper = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const base32 = (count: number): string => Array.from({ length: count }, (_, at) => upper[(at * 7 + 3) % 32]).join('');
const mixed = 'q7Zx2LmB9vKc4TnR8wYd3HsJ6pGf5AeU';
const seed = of('SU', base32(56));
const jwt = of('eyJ0eXAiOiJKV1QiLCJhbGciOiJlZDI1NTE5', '.', 'eyJqdGkiOiJBQkNERUZHSCJ9', '.', 'c2lnbmF0dXJlLW9mLWl0');
const keyBody = 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj';
const pem = (kind: string): string => of('-----BEGIN ', kind, '-----\n', keyBody, '\n-----END ', kind, '-----');

/** Shape, text, and what must not come through. */
const secrets: readonly (readonly [shape: string, text: string, secret: string])[] = [
  ['a bearer header', `authorization: Bearer ${mixed}`, mixed],
  ['a bearer header of curl', `curl -H 'Authorization: Bearer short-1' https://example.org/x`, 'short-1'],
  ['a bearer in prose', `401 for bearer ${mixed.slice(0, 12)} at /x`, mixed.slice(0, 12)],
  ['basic', 'Proxy-Authorization: Basic dXNlcjpodW50ZXIy', 'dXNlcjpodW50ZXIy'],
  ['basic in prose', 'sent basic dXNlcjpodW50ZXIy to the proxy', 'dXNlcjpodW50ZXIy'],
  ['digest', 'Authorization: Digest username="ann", response="6629fae49393a053"', '6629fae49393a053'],
  [
    'a signed request',
    'Authorization: AWS4-HMAC-SHA256 Credential=x/y, Signature=fe5f80f77d5fa3be',
    'fe5f80f77d5fa3be',
  ],
  ['cookies', 'Cookie: sid=31d4d96e407aad42; theme=dark', '31d4d96e407aad42'],
  ['a cookie that is set', 'Set-Cookie: sid=31d4d96e407aad42; HttpOnly', '31d4d96e407aad42'],
  ['a key header', 'x-api-key: 5ecretValue', '5ecretValue'],
  ['JSON', '{"user":"ann","password":"hunter2","port":4222}', 'hunter2'],
  ['JSON with an escaped quote', '{"password":"hun\\"ter2","port":1}', 'ter2'],
  ['JSON in JSON', '{"body":"{\\"token\\":\\"abc-def\\",\\"n\\":1}"}', 'abc-def'],
  ['JSON twice in JSON', '{"b":"{\\\\\\"secret\\\\\\":\\\\\\"abc-def\\\\\\"}"}', 'abc-def'],
  ['JSON that was cut', '{"access_token":"abc-def-gh', 'abc-def'],
  ['a list of secrets', '{"tokens":["first-one","second-one"],"n":1}', 'second-one'],
  ['an object of secrets', 'credentials: {"user":"ann","key":"abc-def"} were refused', 'abc-def'],
  ['a number', '{"pin":483920}', '483920'],
  ['camel case', '{"clientSecret":"abc-def","clientId":"x"}', 'abc-def'],
  ['YAML', 'nats:\n  password: correct horse battery\n  port: 1', 'horse'],
  ['an environment', 'PATH=/bin\nDB_PASSWORD=a;b&c d"e\nHOME=/root', 'b&c'],
  ['an export', 'export PGPASSWORD=hunter2', 'hunter2'],
  ['a numbered variable', 'API_TOKEN2=hunter2', 'hunter2'],
  ['a URL with a password', 'dial nats://ann:hunter2@broker:4222 failed', 'hunter2'],
  ['a URL with a token', 'dial nats://s3cr3t-token@broker:4222 failed', 's3cr3t-token'],
  ['a URL with a strange password', 'postgres://ann:p/a#s@s?w@db:5432/x', 'a#s@s'],
  ['a signed URL', 'GET https://s.example.org/x?sv=1&sig=abc%2Fdef&se=2', 'abc%2Fdef'],
  ['a URL with a code', 'GET /callback?code=abc123def&state=1', 'abc123def'],
  ['a signed URL of Amazon', 'https://b.example.org/k?X-Amz-Signature=fe5f80f7&x=1', 'fe5f80f7'],
  ['a connection string', 'Server=db;User Id=ann;Password=hunter2;Encrypt=true', 'hunter2'],
  ['another', 'DefaultEndpointsProtocol=https;AccountName=x;AccountKey=abc/def==;Suffix=y', 'abc/def'],
  ['an option', 'mysql --password hunter2 --host db', 'hunter2'],
  ['an option with =', 'kanade --nats-token=hunter2 --id pc-1', 'hunter2'],
  ['an option in a list', '["login","--password","hunter2"]', 'hunter2'],
  ['a quoted option', `login --passphrase "correct horse" --id 1`, 'correct horse'],
  ['curl -u', 'curl -u ann:hunter2 https://example.org', 'hunter2'],
  ['prose', 'it says the password is hunter2, why?', 'hunter2'],
  ['Japanese', 'パスワードは hunter2 です', 'hunter2'],
  ['a support code', 'support code: 739-114', '739-114'],
  ['a one-time code', 'one-time code: 739114', '739114'],
  ['a recovery code', 'recovery_code=739-114', '739-114'],
  ['a JSON web token', `got ${jwt} back`, jwt.slice(0, 40)],
  ['a cut JSON web token', `got ${jwt.slice(0, 60)}`, jwt.slice(37, 60)],
  ['a seed', `seed file holds ${seed}.`, seed.slice(0, 30)],
  ['a private key', `key:\n${pem('PRIVATE KEY')}\nend`, 'BKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj'],
  ['a key of SSH', pem('OPENSSH PRIVATE KEY'), 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASC'],
  ['a key that was cut', pem('EC PRIVATE KEY').slice(0, 75), 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASC'],
  ['a key in JSON', JSON.stringify({ text: pem('RSA PRIVATE KEY') }), 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASC'],
  ['a key of PGP', pem('PGP PRIVATE KEY BLOCK'), 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASC'],
  [
    'a file of credentials',
    of('-----BEGIN NATS USER JWT-----\n', 'abcdefgh\n', '------END NATS USER JWT------'),
    'abcdefgh',
  ],
  ['its other half', of('-----BEGIN USER NKEY SEED-----\n', 'SUAB\n', '------END USER NKEY SEED------'), 'SUAB'],
  ['argon2', 'hash $argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$aGFzaGhhc2g is known', 'c2FsdHNhbHQ'],
  ['bcrypt', 'ann:$2b$12$abcdefghijklmnopqrstuv:1000', 'abcdefghijklmnopqrstuv'],
  ['shadow', 'root:$6$saltsalt$hashhashhash:19000:0', 'hashhashhash'],
  ['GitHub', of('gh', 'p_', mixed), mixed],
  ['GitHub, fine-grained', of('github', '_pat_', '11ABC', mixed), mixed],
  ['GitLab', of('gl', 'pat-', mixed.slice(0, 20)), mixed.slice(0, 20)],
  ['a maker of models', of('s', 'k-', 'ant-api03-', mixed), mixed],
  ['a maker of payments', of('s', 'k_live_', mixed), mixed],
  ['a chat', of('xo', 'xb-', '2409876543-', mixed.slice(0, 20)), mixed.slice(0, 20)],
  ['a hook of a chat', 'https://hooks.slack.com/services/T000/B000/XXXX1234', 'XXXX1234'],
  ['an id of Amazon', of('AK', 'IA', 'IOSFODNN7EXAMPLE'), 'IOSFODNN7EXAMPLE'],
  ['a key of Google', of('AI', 'za', mixed, 'abc'), mixed],
  ['a registry', of('np', 'm_', mixed, 'abcd'), mixed],
  ['a vault', of('hv', 's.', mixed), mixed],
  ['mail', of('S', 'G.', mixed.slice(0, 22), '.', mixed), mixed.slice(0, 22)],
  ['age', of('AGE-', 'SECRET-', 'KEY-1', base32(58)), base32(40)],
  ['anything that a generator made', `the answer was ${mixed}Qz`, mixed],
];

/** What helps somebody who helps, word for word. */
const useful: readonly string[] = [
  '{"level":30,"time":"2026-01-01T00:00:00.000Z","run_id":"0b8f6c1e-5f0e-4a53-9d0e-1f2a3b4c5d6e","msg":"run ended"}',
  'sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  'dial tls://broker.example.org:4222: connection refused (ECONNREFUSED)',
  'https://example.org:8443/path?user=ann@example.org&page=2#top',
  '/var/lib/kanade/jobs/0b8f6c1e-5f0e-4a53-9d0e-1f2a3b4c5d6e/stdout.log: no space left on device',
  'token_count: 512, tokens: 4096, max_tokens=100, password_expires_at: 2026-01-01',
  '{"password_file":"/etc/kanade/password","token_ttl":900,"secret_name":"db"}',
  'wrong password: wrong',
  'the password is wrong, the token was refused',
  'authentication required; bearer authentication is off; basic information follows',
  'pass: 31, fail: 0, skip: 2',
  '{"password":"","token":null,"secret":false}',
  'keyboard layout: jp, monkey: 3, author: ann, compass: north, tokenizer: x',
  'key: value, exit code: 3, sort key: name',
  'public key UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4',
  '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----',
  'at Object.openConnection (/usr/lib/kanade/agent.cjs:12345:67)',
  'kanade fleet exec network-check --pc pc-1 --timeout 30s',
  'disk 93% of /dev/nvme0n1p2, inode 1234567, 10.0.0.12/24 dev eth0',
  'アカウントは ann、プリンターが動きません',
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36',
  'checkResultsOfTheDiskSpaceOnAllMachinesOfTheGroup2Floor3',
];

describe('withoutSecrets()', () => {
  it.each(secrets)('%s', (_, text, secret) => {
    expect(text).toContain(secret); // else the case shows nothing
    const clean = withoutSecrets(text);
    expect(clean).not.toContain(secret);
    expect(clean).toContain(removed);
    expect(withoutSecrets(clean)).toBe(clean);
  });

  it('knows many shapes', () => expect(secrets.length).toBeGreaterThanOrEqual(40));

  it.each(useful)('leaves %s', (text) => {
    expect(withoutSecrets(text)).toBe(text);
  });

  it('leaves what stands around a secret', () => {
    expect(withoutSecrets('{"user":"ann","password":"hunter2","port":4222}')).toBe(
      `{"user":"ann","password":"${removed}","port":4222}`,
    );
    expect(withoutSecrets('dial nats://ann:hunter2@broker:4222 failed')).toBe(
      `dial nats://${removed}@broker:4222 failed`,
    );
    expect(withoutSecrets('mysql --password hunter2 --host db')).toBe(`mysql --password ${removed} --host db`);
    expect(withoutSecrets('Server=db;Password=hunter2;Encrypt=true')).toBe(
      `Server=db;Password=${removed};Encrypt=true`,
    );
    expect(withoutSecrets('a=1 token=hunter2 attempt=3')).toBe(`a=1 token=${removed} attempt=3`);
  });

  it.each(secrets)('every place of a text is as good as another: %s', (_, text, secret) => {
    for (const [before, behind] of [
      ['first line\n', '\nlast line'],
      ['{"level":30}\n', '\n{"level":30}'],
    ]) {
      const clean = withoutSecrets(`${before}${text}${behind}`);
      expect(clean).not.toContain(secret);
      expect(clean.startsWith(before ?? '')).toBe(true);
    }
  });

  it('takes values that are known, wherever they stand, the longer ones first', () => {
    const known = secretValues({ MY_TOKEN: 'plain-word', OTHER_TOKEN: 'plain-word-2', A: 'b', DB_PASSWORD: '/etc/pw' });
    expect(known).toEqual(['plain-word-2', 'plain-word']);
    expect(withoutSecrets('it said plain-word-2 and plain-word', known)).toBe(`it said ${removed} and ${removed}`);
  });

  it('takes its time from the length alone', () => {
    // Each of these made a careless pattern go back over all of it; a test never asserts a time, but this one would not end.
    for (const part of [
      'a',
      'a ',
      'a:',
      '://',
      '-',
      '--a ',
      'eyJ',
      '\\"',
      '"',
      '[',
      'password',
      'user:',
      '=',
      'パスワード',
    ])
      expect(withoutSecrets(part.repeat(60_000)).length).toBeGreaterThan(0);
  });
});

describe('documentWithoutSecrets()', () => {
  it('goes by the names, and through every text', () => {
    const document = {
      err: { message: 'token=abc-def refused', password: { any: ['thing'] } },
      argv: ['login', '--password', 'hunter2', '--id', 'pc-1'],
      has_password: true,
      tokens: 5,
      secret: '',
    };
    expect(documentWithoutSecrets(document)).toEqual({
      err: { message: `token=${removed} refused`, password: removed },
      argv: ['login', '--password', removed, '--id', 'pc-1'],
      has_password: true,
      tokens: 5,
      secret: '',
    });
  });
});

it.each([
  ['password', 'secret'],
  ['dbPassword', 'secret'],
  ['KANADE_NATS_TOKEN', 'secret'],
  ['AWS_SECRET_ACCESS_KEY', 'secret'],
  ['private-key', 'secret'],
  ['tokens', 'counted'],
  ['password_file', 'plain'],
  ['compass', 'plain'],
  ['sort_key', 'plain'],
  ['exit_code', 'plain'],
  ['author', 'plain'],
] as const)('a name: %s is %s', (name, kind) => {
  expect(kindOfName(name)).toBe(kind);
});
