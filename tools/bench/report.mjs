/** The one form of every benchmark's answer. */

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

/** Runs all sides in turn, so that drift of the machine hits them alike; returns the median of each. */
export function interleave(rounds, ...sides) {
  const values = sides.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [side, run] of sides.entries()) values[side].push(run());
  }
  return values.map(median);
}

const rounded = (value) => Math.round(value * 1000) / 1000;

/** Prints the line. */
export function report({ bench, unit, value, peer, peerValue, ...more }) {
  const line = {
    bench,
    unit,
    value: rounded(value),
    peer,
    peerValue: rounded(peerValue),
    ratio: rounded(value / peerValue),
    ...more,
  };
  console.log(JSON.stringify(line));
}
