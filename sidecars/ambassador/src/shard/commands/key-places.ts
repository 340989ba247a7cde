/**
 * Where the keys of a command lie, in a short notation: `1` one place, `1..-2` from the first argument to the
 * second last, `1..-1/2` every other, `#2` a count in the second place and its keys behind it, `STORE@6` behind
 * that word, looked for from the sixth place on, `STREAMS@4/2` the first half of what follows that word. Several
 * are joined by commas; `-` is none. A command whose count or words are wrong has no keys: any server answers its error.
 */
import type { Command } from '../../resp/request-reader.ts';

/** Places among the arguments, 0 being the command's name. */
export type KeyFinder = (command: Command) => readonly number[];

export const noKeys: KeyFinder = () => [];

/** A finder for a notation. @throws {Error} when it is none */
export function finderOf(notation: string): KeyFinder {
  if (notation === '-') return noKeys;
  if (notation === '1') return (command) => (command.length > 1 ? ONE : []);
  const finders = notation.split(',').map(partOf);
  if (finders.length === 1) return finders[0]!;
  return (command) => finders.flatMap((find) => find(command));
}

const ONE: readonly number[] = [1];

function partOf(text: string): KeyFinder {
  const range = /^(\d+)(?:\.\.(-?\d+)(?:\/(\d))?)?$/.exec(text);
  if (range) {
    const first = Number(range[1]);
    return between(first, Number(range[2] ?? first), Number(range[3] ?? 1));
  }
  const count = /^#(\d+)$/.exec(text);
  if (count) return counted(Number(count[1]));
  const word = /^([A-Z]+)@(\d+)(\/2)?$/.exec(text);
  if (!word) throw new Error(`${text} is no notation of keys`);
  return behind(word[1]!, Number(word[2]), word[3] !== undefined);
}

/** Keys from `first` on, each `step`; `last` counts from the end where negative. */
const between =
  (first: number, last: number, step: number): KeyFinder =>
  (command) => {
    const end = last < 0 ? command.length + last : last;
    const places: number[] = [];
    for (let place = first; place <= end && place < command.length; place += step) places.push(place);
    return places;
  };

/** A count at `at`, and as many keys behind it. */
const counted =
  (at: number): KeyFinder =>
  (command) => {
    const text = command.length > at ? command.text(at) : '';
    const count = /^\d{1,7}$/.test(text) ? Number(text) : 0;
    if (at + count >= command.length) return [];
    return Array.from({ length: count }, (_, index) => at + 1 + index);
  };

/** One key behind each such word; or the first half of all that is behind the first one. */
const behind =
  (word: string, from: number, half: boolean): KeyFinder =>
  (command) => {
    const places: number[] = [];
    for (let place = from; place + 1 < command.length; place++) {
      if (command.text(place).toUpperCase() !== word) continue;
      if (!half) {
        places.push(++place);
        continue;
      }
      const count = (command.length - place - 1) / 2;
      return Number.isInteger(count) ? Array.from({ length: count }, (_, index) => place + 1 + index) : [];
    }
    return places;
  };
