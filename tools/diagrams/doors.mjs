import { picture } from './draw.mjs';

/** Three doors, one job model. */
export function doors() {
  const { box, arrow, text, svg } = picture(
    1000,
    470,
    'Three doors, one job model',
    'An operator reaches the agent through NATS, the person at the machine through a local socket, a script or an AI agent starts jobs directly; all three end in the same job directory.',
  );
  for (const [x, name] of [
    [28, 'who'],
    [206, 'the door'],
    [404, 'on the way'],
  ])
    text(x, 76, name);
  const rows = [92, 200, 338];
  const [fleet, person, script] = rows;
  box(28, fleet, 140, 76, 'fleet', ['operator', 'or a scheduler']);
  box(206, fleet, 156, 76, 'fleet', ['kanade fleet', 'orders, results, kill']);
  box(404, fleet, 166, 76, 'store', ['NATS JetStream', 'streams, no server', 'of our own']);
  box(28, person, 140, 76, 'person', ['person', 'at the machine']);
  box(206, person, 156, 76, 'person', ['Client App', 'a page in a window']);
  box(404, person, 166, 76, 'person', ['local socket', 'the OS says who calls']);
  box(28, script, 140, 76, 'script', ['script', 'or an AI agent']);
  box(206, script, 156, 76, 'script', ['kanade run', 'also mcp, serve']);
  box(612, fleet, 138, 184, 'plain', [
    'agent',
    'admits on disk',
    'asks the gates',
    'delivers results',
    'outlives its broker',
  ]);
  box(794, fleet, 178, 322, 'plain', [
    'the runner',
    'a directory for each job',
    'a shell that outlives all',
    'output straight to files',
    'one recorded ending',
    'a kill that takes the tree',
  ]);
  for (const y of [fleet, person]) {
    arrow([
      [168, y + 38],
      [204, y + 38],
    ]);
    arrow(
      [
        [362, y + 38],
        [402, y + 38],
      ],
      undefined,
      { both: true },
    );
    arrow(
      [
        [570, y + 38],
        [610, y + 38],
      ],
      undefined,
      { both: true },
    );
  }
  arrow([
    [168, script + 38],
    [204, script + 38],
  ]);
  arrow(
    [
      [362, script + 38],
      [792, script + 38],
    ],
    'no agent, no broker: the call starts the job itself',
    { dy: -9 },
  );
  arrow([
    [750, 184],
    [792, 184],
  ]);
  text(404, 298, 'works while the broker is away');
  text(
    28,
    446,
    'Whatever the door, a job ends in exactly one of: exited · signaled · timed_out · killed · not_started · lost',
  );
  return svg();
}
