/** Ways to write a path, and how servers read it. */
import { posix } from 'node:path';
import type { Random } from './random.ts';

const PIECES =
  '/ // . .. %2e %2E%2e %2f %252f %255c ; ;a=b \\ %5c %23 %3f %20 %00 %0a public admin ADMIN %61dmin gone b%C3%BCro a b x %zz %c0%af'.split(
    ' ',
  );

/** A path below a directory, in pieces that servers read differently. */
export const anyPath = (random: Random, below: string): string =>
  `${below}${Array.from({ length: random.below(12) }, () => random.pick(PIECES)).join('')}`;

/** The paths that servers make of a request's target: nginx and Go, servlet containers, a second decoder. */
export function readings(target: string): string[] {
  const path = target.split('?', 1)[0]!;
  const once = decoded(path);
  return [once, decoded(once), decoded(path.replaceAll(/;[^/]*/g, '')), once.replaceAll('\\', '/')].map((each) =>
    posix.normalize(each).replace(/^\/+/, '/'),
  );
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
