import { picture } from './draw.mjs';

/** An update of an agent, and how it takes itself back. */
export function update() {
  const { box, arrow, text, svg } = picture(
    1000,
    572,
    'An update, and how it takes itself back',
    'A signed release is published and targeted; each machine fetches and checks it, swaps the program, keeps the old one and goes back to it when the new one does not become healthy.',
  );
  box(28, 84, 180, 66, 'script', ['release key', 'signs the manifest offline']);
  box(276, 84, 190, 66, 'store', ['agent_releases', 'program and manifest']);
  box(534, 84, 190, 66, 'fleet', ['target_version', 'fleet, group or machine']);
  arrow(
    [
      [208, 117],
      [274, 117],
    ],
    'publish',
  );
  arrow(
    [
      [466, 117],
      [532, 117],
    ],
    'rollout',
  );
  box(792, 84, 180, 66, 'plain', ['a pause by chance', 'so that not all at once']);
  arrow([
    [724, 117],
    [790, 117],
  ]);
  box(724, 216, 248, 92, 'plain', ['fetch and check', 'signature, key not revoked,', 'floor, expiry, platform, hash']);
  arrow([
    [882, 150],
    [882, 214],
  ]);
  box(376, 216, 248, 92, 'plain', ['stage and try', 'P.new beside P, hashed again,', 'says the version it should be']);
  arrow([
    [724, 262],
    [626, 262],
  ]);
  box(28, 216, 248, 92, 'plain', ['swap', 'P kept as P.old, P.new becomes P;', 'at every moment there is a P']);
  arrow([
    [376, 262],
    [278, 262],
  ]);
  box(724, 360, 248, 56, 'wrong', ['refused', 'the reason in log and heartbeat']);
  arrow([
    [848, 308],
    [848, 358],
  ]);
  box(28, 374, 248, 92, 'plain', ['new version starts', 'exit 64, started again at once;', 'running jobs go on']);
  arrow([
    [152, 308],
    [152, 372],
  ]);
  box(376, 346, 248, 62, 'person', ['healthy', 'heartbeat with the new version']);
  box(376, 450, 248, 62, 'wrong', ['not healthy, again and again', 'quarantined; P.old becomes P']);
  arrow([
    [276, 404],
    [326, 404],
    [326, 377],
    [374, 377],
  ]);
  arrow([
    [276, 436],
    [326, 436],
    [326, 481],
    [374, 481],
  ]);
  box(724, 450, 248, 62, 'person', ['old version runs', 'heartbeat names the quarantine']);
  arrow([
    [624, 481],
    [722, 481],
  ]);
  text(500, 550, 'Killed at any of these steps, a machine has a whole program: the old one or the new one.', {
    anchor: 'middle',
  });
  return svg();
}
