/** Loaded before a program: notes each file that it opens or reads whole, one path a line, in the file that READS_FILE names. */
const fs = require('node:fs');

const { appendFileSync, openSync, readFileSync } = fs;
const note = (path) => typeof path === 'string' && appendFileSync(process.env.READS_FILE, `${path}\n`);

fs.openSync = (path, ...more) => {
  note(path);
  return openSync(path, ...more);
};
// One that reads a whole file may open it through the function above.
fs.readFileSync = (path, ...more) => {
  note(path);
  const opening = fs.openSync;
  fs.openSync = openSync;
  try {
    return readFileSync(path, ...more);
  } finally {
    fs.openSync = opening;
  }
};
