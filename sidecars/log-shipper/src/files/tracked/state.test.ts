/** The states of a tracked file, held to the table in the README. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as states from './state.ts';
import { TRANSITIONS, type State, type Transition } from './state.ts';

const ROOT = join(import.meta.dirname, '../../..');
const SEARCH = { since: 1, lookedForSince: 2, sought: true };
const EACH: readonly State<string>[] = [
  { is: 'attached' },
  { is: 'detached', ...SEARCH },
  { is: 'displaced', ...SEARCH },
  { is: 'packed', content: {} as never, since: 1 },
  { is: 'copied', of: 'original', suspectUntil: undefined, since: undefined },
  { is: 'finished', since: undefined },
];
const APPLY: Readonly<Record<Transition, (of: { state: State<string> }) => void>> = {
  found: states.found,
  missed: (of) => states.missed(of, 5),
  displaced: states.displaced,
  unpacked: (of) => states.unpacked(of, {} as never, 5),
  copied: (of) => states.copied(of, 'original'),
  released: states.released,
  finished: states.finished,
};

/** The cells of a table's line. */
const cells = (line: string): string[] =>
  line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());

test('the table of transitions in the README is what the program does', () => {
  const lines = readFileSync(join(ROOT, 'README.md'), 'utf8').split('\n');
  const top = lines.findIndex((line) => line.startsWith('| from | found |'));
  const [, ...events] = cells(lines[top]!);
  assert.equal(events, Object.keys(APPLY));
  const told = Object.fromEntries(
    lines.slice(top + 2, top + 2 + EACH.length).map((line) => {
      const [from, ...to] = cells(line);
      return [from, Object.fromEntries(events.map((event, at) => [event, to[at]]).filter(([, name]) => name !== ''))];
    }),
  );
  assert.equal(told, TRANSITIONS);
});

for (const state of EACH)
  test(`${state.is}: each transition leads where the table says, and others change nothing`, () => {
    for (const [event, apply] of Object.entries(APPLY)) {
      const of = { state };
      apply(of);
      const to = TRANSITIONS[state.is][event as Transition];
      if (to === undefined) assert.is(of.state, state, event);
      else assert.is(of.state.is, to, event);
    }
  });

test('what is looked for keeps since when; what is found forgets it', () => {
  const of: { state: State<string> } = { state: { is: 'attached' } };
  states.missed(of, 1);
  assert.is(states.lookedFor(of, 2), 2);
  states.displaced(of);
  states.missed(of, 3);
  assert.is(states.lookedFor(of, 4), 2);
  assert.equal(of.state, { is: 'displaced', since: 1, lookedForSince: 2, sought: false });
  states.found(of);
  assert.equal(of.state, { is: 'attached' });
});

test('only state.ts sets the state of a tracked', () => {
  const files = globSync(join(ROOT, 'src/**/*.ts')).filter((path) => !/(?:\.test|tracked\/state)\.ts$/.test(path));
  const setting = files.filter((path) => /\.state = |assign\([^)]*\bstate\b/.test(readFileSync(path, 'utf8')));
  assert.equal(setting, []);
});

test.run();
