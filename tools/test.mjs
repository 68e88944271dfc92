/** `npm test`: sets up everything a fresh machine lacks, then runs the gate. Ends with `N passed, N failed`. */
import { ensureChromium } from './chromium.mjs';
import { ensureDebian } from './debian.mjs';
import { ensurePackaging } from './packaging.mjs';
import { ensureSessionBus } from './session-bus.mjs';
import { installPackages, onPinnedNode, say } from './toolchain.mjs';

installPackages();
await onPinnedNode();
const { ensureBoth } = await import('./nats-server.mjs');
say('looking for nats-server 2.9 and 2.15 (the latter is built once, when Go is there) ...');
const servers = await ensureBoth();
process.env.KANADE_CHROMIUM ??= ensureChromium() ?? '';
ensureSessionBus();
ensurePackaging();
// What pages of the guide call, and what they look at processes with.
ensureDebian('curl and ps', { '/usr/bin/curl': 'curl', '/usr/bin/pgrep': 'procps' }, 'the tests of the guide');
process.env.KANADE_NATS_SERVERS ??= JSON.stringify([servers.debian, servers.current].filter((server) => server?.path));
// Programs that are not npm fetch packages, too: they trust whom npm was told to trust.
if (process.env.npm_config_cafile) process.env.NODE_EXTRA_CA_CERTS ??= process.env.npm_config_cafile;
const { gate } = await import('./check.mjs');
process.exit(gate(process.argv.slice(2)));
