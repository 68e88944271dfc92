/** Process trees that are hard to stop, as shell scripts that say the pid of each of their processes on a line of its own. */
export interface Animal {
  readonly name: string;
  readonly script: string;
  /** Lines that it prints before it is all there. */
  readonly printed: number;
  /** How many of these live on until they are stopped. */
  readonly alive: number;
}

const sleeper = 'echo \\$\\$; exec sleep 60';
const deaf = "trap '' TERM; echo \\$\\$; sleep 60; sleep 60";

export const zoo: readonly Animal[] = [
  { name: 'a child', script: `sh -c "${sleeper}" & echo $$; wait`, printed: 2, alive: 2 },
  {
    name: 'a grandchild',
    script: 'sh -c "sh -c \'echo \\$\\$; exec sleep 60\' & echo \\$\\$; wait" & echo $$; wait',
    printed: 3,
    alive: 3,
  },
  { name: 'one that ignores TERM', script: "trap '' TERM; echo $$; sleep 60; sleep 60", printed: 1, alive: 1 },
  {
    name: 'one that ignores TERM below one that obeys',
    script: `sh -c "${deaf}" & echo $$; wait`,
    printed: 2,
    alive: 2,
  },
  { name: 'one in a session of its own', script: `setsid sh -c "${sleeper}" & echo $$; wait`, printed: 2, alive: 2 },
  {
    name: 'a stopped one',
    script: 'sh -c "echo \\$\\$; kill -STOP \\$\\$; sleep 60" & echo $$; wait',
    printed: 2,
    alive: 2,
  },
  {
    name: 'a double fork into a session of its own',
    script: `(setsid sh -c "${sleeper}" &) ; echo $$; exec sleep 60`,
    printed: 2,
    alive: 2,
  },
  {
    name: 'nohup and closed stdio',
    script: 'nohup sh -c "echo \\$\\$; exec sleep 60 <&- >&- 2>&-" & echo $$; wait',
    printed: 2,
    alive: 2,
  },
  {
    name: 'a daemon that has cut every tie',
    script: '(setsid sh -c "echo \\$\\$; exec sleep 60 <&- >&- 2>&-" &) ; echo $$; exec sleep 60',
    printed: 2,
    alive: 2,
  },
  {
    name: 'a child that holds the output of a parent that is gone',
    script: `(sh -c "${sleeper}" & sh -c "${deaf}" &) ; echo $$; exec sleep 60`,
    printed: 3,
    alive: 3,
  },
  {
    name: 'a parent that never collects its child',
    script: 'sh -c "echo \\$\\$" & echo $$; exec sleep 60',
    printed: 2,
    alive: 1,
  },
  {
    name: 'a fork storm of 200',
    script: `n=0; while [ $n -lt 199 ]; do sh -c "${sleeper}" & n=$((n+1)); done; echo $$; wait`,
    printed: 200,
    alive: 200,
  },
];
