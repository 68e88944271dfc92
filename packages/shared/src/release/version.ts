/** Versions of the product, as of semver 2.0 without build metadata: they are names of objects and files, too. */
import { isToken } from '../scalar/words.ts';

const form = /^(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?$/;
const versionLengthMax = 64;

export const isReleaseVersion = (text: string): boolean =>
  text.length <= versionLengthMax && form.test(text) && isToken(text);

/** Negative, 0 or positive, as the first version comes before, is or comes after the second. Throws RangeError for what is no version. */
export function compareReleaseVersions(one: string, other: string): number {
  const [left, right] = [partsOf(one), partsOf(other)];
  for (const [at, number] of left.numbers.entries()) {
    if (number !== right.numbers[at]) return number - (right.numbers[at] as number);
  }
  if (left.tags.length === 0 || right.tags.length === 0) return right.tags.length - left.tags.length;
  for (const [at, tag] of left.tags.entries()) {
    const against = right.tags[at];
    if (against === undefined) return 1;
    if (tag !== against) return compareTags(tag, against);
  }
  return left.tags.length - right.tags.length;
}

/** Whether a program of that version is a floor or later. What is no version is not known to be: false. Throws RangeError for a floor that is none. */
export const isAtLeastVersion = (version: string, floor: string): boolean =>
  isReleaseVersion(version) && compareReleaseVersions(version, floor) >= 0;

function partsOf(version: string): { readonly numbers: number[]; readonly tags: string[] } {
  if (!isReleaseVersion(version)) throw new RangeError(`no version: ${JSON.stringify(version)}`);
  const [, major, minor, patch, tags] = form.exec(version) ?? [];
  return { numbers: [major, minor, patch].map(Number), tags: tags?.split('.') ?? [] };
}

/** Numbers come before words; numbers by value, words by their characters. */
function compareTags(one: string, other: string): number {
  const [isNumber, isOtherNumber] = [/^\d+$/.test(one), /^\d+$/.test(other)];
  if (isNumber && isOtherNumber) return Number(one) - Number(other);
  if (isNumber !== isOtherNumber) return isNumber ? -1 : 1;
  return one < other ? -1 : 1;
}
