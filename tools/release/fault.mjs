/** What a release cannot go on with: a code for programs, and a sentence that says what to do. */
export class ReleaseFault extends Error {
  constructor(code, message) {
    super(message);
    this.name = 'ReleaseFault';
    this.code = code;
  }
}
