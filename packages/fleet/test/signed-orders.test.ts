/** Orders as they lie in the stream when there is a key. */
import { createPublicKey, verify } from 'node:crypto';
import {
  type Headers,
  type Keyring,
  keyPolicy,
  signatureHeaders,
  type Verification,
  verifyCommand,
} from '@kanade/shared/fleet';
import { natsServers, tempDir } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { type Fleet, putManifest, sendOrder } from '../src/index.ts';
import { createKey, type KeyEntry, openSigner } from '../src/keys.ts';
import { jobYaml, openTestFleet } from './open-test-fleet.ts';

interface Held {
  readonly body: Uint8Array;
  readonly headers: Headers;
}

async function heldOn(fleet: Fleet, subject: string): Promise<Held> {
  const jsm = await fleet.jetstream.jetstreamManager();
  const stored = await jsm.streams.getMessage('EXEC', { last_by_subj: subject });
  if (!stored) throw new Error(`nothing on ${subject}`);
  const names = Object.values(signatureHeaders);
  return {
    body: stored.data,
    headers: Object.fromEntries(names.map((name) => [name, stored.header?.get(name) || undefined])),
  };
}

function ringOf({ kid, trusted }: KeyEntry): Keyring {
  const x = Buffer.from(trusted.public_key, 'base64').toString('base64url');
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  return new Map([
    [kid, { policy: keyPolicy(trusted), verify: (message, signature) => verify(null, message, key, signature) }],
  ]);
}

const judge = (held: Held, key: KeyEntry, pcId = 'pc-1'): Verification =>
  verifyCommand(held, ringOf(key), { pcId, nowMs: Date.now() });

/** Answers pings as an agent would that holds these keys. */
function answerPings(fleet: Fleet, pc: string, command_keys: string[], command_protocols: string[]): void {
  const beat = { pc_id: pc, at: '2026-01-02T03:04:05Z', agent_version: '0.1.0', command_keys, command_protocols };
  fleet.connection.subscribe(`agents.${pc}.ping`, {
    callback: (_, message) => void message.respond(JSON.stringify(beat)),
  });
}

describe.each(await natsServers())('signed orders on nats-server $version', ({ path }) => {
  it('carry a signature over their bytes, and an envelope where the machine can read one', async () => {
    await using opened = await openTestFleet(path);
    await using temp = await tempDir();
    const { fleet } = opened;
    const key = createKey({ dir: temp.path, kid: 'ops' });
    const signer = openSigner(temp.path);
    await putManifest(fleet, jobYaml('a'));
    answerPings(fleet, 'pc-1', [key.commandKey], ['legacy', 'kanade.command.v2']);
    answerPings(fleet, 'pc-2', ['ops:0000000000000000'], ['legacy', 'kanade.command.v2']);
    answerPings(fleet, 'pc-3', [key.commandKey], ['legacy']);
    await fleet.connection.flush();

    const order = (target: Parameters<typeof sendOrder>[1]['targets'][number]) =>
      sendOrder(fleet, { jobId: 'a', targets: [target], signer });
    const sealed = await order({ kind: 'pc', pc: 'pc-1' });
    expect(sealed.provenance).toEqual({ kid: 'ops', protocol: 'kanade.command.v2', isTrusted: true });
    const held = await heldOn(fleet, 'commands.pc.pc-1.a');
    expect(judge(held, key)).toMatchObject({
      ok: true,
      protocol: 'kanade.command.v2',
      command: { request_id: sealed.requestId },
    });
    expect(judge(held, key, 'pc-2')).toMatchObject({ ok: false, error: 'Misaddressed', refuse: 'always' });

    for (const [pc, isTrusted] of [
      ['pc-2', false],
      ['pc-3', true],
      ['away', undefined],
    ] as const) {
      const { provenance, requestId } = await order({ kind: 'pc', pc });
      expect(provenance).toEqual({ kid: 'ops', protocol: 'legacy', isTrusted });
      expect(judge(await heldOn(fleet, `commands.pc.${pc}.a`), key)).toMatchObject({
        ok: true,
        protocol: 'legacy',
        command: { request_id: requestId },
      });
    }
    expect((await order({ kind: 'all' })).provenance).toEqual({ kid: 'ops', protocol: 'legacy', isTrusted: undefined });
    expect(judge(await heldOn(fleet, 'commands.all.a'), key)).toMatchObject({ ok: true, protocol: 'legacy' });
  });

  it('without a key are as they were', async () => {
    await using opened = await openTestFleet(path);
    const { fleet } = opened;
    await putManifest(fleet, jobYaml('a'));
    const { provenance } = await sendOrder(fleet, { jobId: 'a', targets: [{ kind: 'pc', pc: 'pc-1' }] });
    const { headers, body } = await heldOn(fleet, 'commands.pc.pc-1.a');
    expect([provenance, Object.values(headers).filter(Boolean)]).toEqual([undefined, []]);
    expect(JSON.parse(new TextDecoder().decode(body))).not.toHaveProperty('kind');
  });
});
