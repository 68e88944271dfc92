import { picture } from './draw.mjs';

/** The life of an order, from the operator to the result. */
export function order() {
  const { box, arrow, text, line, svg } = picture(
    1000,
    570,
    'The life of an order',
    'An order is published to the broker, verified and admitted on disk by the machine, passes its gates, runs, and its ending and result go back through the outbox.',
  );
  const lanes = [
    [64, 'operator'],
    [168, 'broker'],
    [290, 'machine'],
  ];
  for (const [y, name] of lanes) text(28, y + 20, name, { kind: 'soft b' });
  for (const y of [158, 280]) line(28, y, 972, y);
  box(150, 76, 170, 62, 'fleet', ['kanade fleet exec', 'signed, if you have a key']);
  box(792, 76, 180, 62, 'fleet', ['results, wait, audit', 'how every run ended']);
  box(150, 190, 170, 66, 'store', ['EXEC', 'the newest of each job,', 'for 7 days']);
  box(792, 190, 180, 66, 'store', ['RESULTS', 'known by its id,', 'for 30 days']);
  arrow([
    [235, 138],
    [235, 188],
  ]);
  arrow([
    [882, 190],
    [882, 140],
  ]);
  const y = 322;
  const steps = [
    [150, 124, 'plain', ['verify', 'who signed it,', 'is it for us']],
    [298, 142, 'plain', ['admit', 'on disk, and only', 'then acknowledged']],
    [464, 140, 'plain', ['gates', 'revoked? deadline?', 'version? a place?']],
    [628, 128, 'plain', ['run', 'shim, output to', 'files, ending']],
    [780, 192, 'plain', ['one commit', 'ending, result and what is', 'to be delivered']],
  ];
  for (const [x, w, tone, words] of steps) box(x, y, w, 78, tone, words);
  for (const [at, [x, w]] of steps.entries())
    if (at < steps.length - 1)
      arrow([
        [x + w, y + 39],
        [steps[at + 1][0] - 2, y + 39],
      ]);
  arrow(
    [
      [215, 256],
      [215, 320],
    ],
    'at once, or when it comes back',
    { dx: 10, dy: 20, anchor: 'start' },
  );
  arrow(
    [
      [882, 322],
      [882, 258],
    ],
    'outbox: until the broker has it',
    { dx: -10, dy: 18, anchor: 'end' },
  );
  box(306, 440, 286, 52, 'wrong', ['not_started, with the reason', 'a result all the same: nothing is silent']);
  arrow(
    [
      [527, 400],
      [527, 438],
    ],
    'no',
    { dx: 12, dy: 4, anchor: 'start' },
  );
  arrow([
    [592, 466],
    [876, 466],
    [876, 402],
  ]);
  text(
    150,
    530,
    'Whatever is killed in between is found again on the disk: admitted orders start, running jobs are adopted,',
    { kind: 'soft s' },
  );
  text(150, 548, 'finished ones are delivered. What nobody can know is “lost”, never success, and never run twice.', {
    kind: 'soft s',
  });
  return svg();
}
