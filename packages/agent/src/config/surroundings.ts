/** What the system says about the machine and the account. */
export interface Surroundings {
  readonly hostName: string;
  readonly isRoot: boolean;
  readonly home: string;
  readonly cwd: string;
  /** Name of the account. */
  readonly user: string;
}
