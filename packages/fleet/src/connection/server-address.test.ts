import { describe, expect, it } from 'vitest';
import { parseAddresses } from './server-address.ts';

describe('parseAddresses()', () => {
  it.each([
    ['nats://a.example:4222', [{ url: 'nats://a.example:4222', isTls: false }]],
    ['a.example', [{ url: 'nats://a.example:4222', isTls: false }]],
    ['127.0.0.1:80', [{ url: 'nats://127.0.0.1:80', isTls: false }]],
    ['TLS://a.example', [{ url: 'tls://a.example:4222', isTls: true }]],
    ['nats://[::1]:4223', [{ url: 'nats://[::1]:4223', isTls: false }]],
    [' a:1, b:2 ,,c:3 ', ['a:1', 'b:2', 'c:3'].map((at) => ({ url: `nats://${at}`, isTls: false }))],
    ['nats://t0ken@h:1', [{ url: 'nats://h:1', isTls: false, login: { token: 't0ken' } }]],
    ['nats://u:p%40%2F%3A@h:1', [{ url: 'nats://h:1', isTls: false, login: { user: 'u', password: 'p@/:' } }]],
    ['', []],
  ])('reads %j', (text, addresses) => {
    expect(parseAddresses(text, 'a test')).toEqual(addresses);
  });

  it.each([
    ['not an address', /cannot be used/],
    ['nats://127.0.0.1:99999', /host or host:port/],
    ['ws://h:1', /nats:\/\/ or tls:\/\//],
    ['http://h', /nats:\/\/ or tls:\/\//],
    ['nats://h:1/path', /nothing may stand behind/],
    ['nats://', /host or host:port/],
    ['nats://u:s3c/ret@h', /%2F/],
    ['nats://u:s3c?ret@h', /%2F/],
    ['nats://u:s3cret@@@h:x', /host:port/],
    ['nats://u:s3cret%zz@h', /%25/],
    ['ws://u:s3cret@h', /nats:\/\//],
    ['nats://u:s3c,ret@h', /%2C/],
    ['nats://u:7,ret@h', /each must begin/],
  ])('refuses %j and repeats no secret', (text, message) => {
    const parse = (): unknown => parseAddresses(text, 'a test');
    expect(parse).toThrow(message);
    expect(parse).toThrow(expect.objectContaining({ code: 'connection_invalid' }));
    expect(parse).not.toThrow(/s3c|ret@/);
  });
});
