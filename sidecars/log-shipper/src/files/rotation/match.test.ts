/** What a file is to a tracked file, fact by fact. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { match, matchPacked, type Facts, type Match, type PackedFacts } from './match.ts';

/** A log of 100 bytes of which 60 are read, and a file that has nothing to do with it. */
const STRANGER: Facts = {
  isOwn: false,
  hasInode: false,
  hasPath: false,
  rotated: undefined,
  isGone: false,
  wasPacked: false,
  size: 100,
  read: 60,
  from: 0,
  seen: 100,
  seenBefore: 0,
  known: 60,
  isTelling: true,
  begins: false,
  goesOn: false,
};
const OWN: Facts = { ...STRANGER, isOwn: true, hasInode: true, hasPath: true, begins: true, goesOn: true };
/** `app.log.1` beside `app.log`, with all that was read. */
const ROTATED: Facts = { ...STRANGER, rotated: 'certain', begins: true, goesOn: true };
const HALF_A_LINE = { known: 2, isTelling: false };

const CASES: readonly (readonly [string, Facts, Match])[] = [
  ['written to', { ...OWN, size: 140 }, 'same'],
  ['renamed, with its inode', { ...OWN, hasPath: false }, 'same'],
  ['cut off before what was read', { ...OWN, size: 20 }, 'truncated'],
  ['cut off behind what was read', { ...OWN, size: 80 }, 'same'],
  ['cut off, known by half a line', { ...OWN, ...HALF_A_LINE, read: 0, size: 80 }, 'truncated'],
  ['written anew in place, longer than before', { ...OWN, size: 140, begins: false }, 'replaced'],
  ['written anew in place, with the same beginning', { ...OWN, size: 140, goesOn: false }, 'replaced'],
  ['deleted and made anew with its inode', { ...OWN, isGone: true, size: 140, begins: false }, 'replaced'],
  ['back after it was gone', { ...OWN, isGone: true }, 'same'],
  ['gone, known by half a line, its inode used again', { ...OWN, ...HALF_A_LINE, isGone: true, size: 140 }, 'reused'],
  ['gone, known by half a line, back as it was', { ...OWN, ...HALF_A_LINE, isGone: true }, 'same'],
  ['a copy before its original is truncated', ROTATED, 'moved'],
  ['a copy with more than was read', { ...ROTATED, size: 140 }, 'moved'],
  ['a copy by a name that may be a file of its own', { ...ROTATED, rotated: 'uncertain' }, 'moved'],
  ['a copy that was made before the last was read', { ...ROTATED, size: 40 }, 'short'],
  ['the same, of half a line', { ...ROTATED, ...HALF_A_LINE, size: 2 }, 'other'],
  ['the same, and it begins otherwise', { ...ROTATED, size: 40, begins: false }, 'other'],
  ['shorter, by another name', { ...ROTATED, rotated: undefined, hasPath: true, size: 40 }, 'other'],
  ['nothing but the hole that the log begins with', { ...ROTATED, from: 50, size: 50 }, 'other'],
  ['a rotated file that begins otherwise', { ...ROTATED, begins: false }, 'other'],
  ['a rotated file with another content before the reading place', { ...ROTATED, goesOn: false }, 'other'],
  ['on another disk, with its inode', { ...ROTATED, rotated: undefined, hasInode: true }, 'moved'],
  ['under its own path, with another inode', { ...ROTATED, rotated: undefined, hasPath: true }, 'moved'],
  ['under a name and inode of another', { ...ROTATED, rotated: undefined }, 'other'],
  ['at the path of a compressed file', { ...ROTATED, rotated: undefined, hasPath: true, wasPacked: true }, 'other'],
  ['nothing is known of its beginning', { ...ROTATED, known: 0, isTelling: false }, 'other'],
  ['half a line alike, nothing read', { ...ROTATED, ...HALF_A_LINE, read: 0, size: 70 }, 'perhaps'],
  ['half a line alike, and read', { ...ROTATED, ...HALF_A_LINE, read: 2, size: 70 }, 'other'],
  ['half a line alike, as long as what was read', { ...ROTATED, ...HALF_A_LINE, read: 2, size: 2 }, 'moved'],
  ['half a line alike, as long as it was seen', { ...ROTATED, ...HALF_A_LINE, read: 2 }, 'moved'],
  ['the same, by an earlier process', { ...ROTATED, ...HALF_A_LINE, read: 2, size: 7, seenBefore: 7 }, 'moved'],
  ['half a line alike, with its inode', { ...ROTATED, ...HALF_A_LINE, size: 70, hasInode: true }, 'moved'],
  [
    'half a line alike, with the inode that was gone',
    { ...ROTATED, ...HALF_A_LINE, rotated: undefined, hasPath: true, size: 70, hasInode: true, isGone: true },
    'other',
  ],
];

for (const [name, facts, expected] of CASES)
  test(`${name}: ${expected}`, () => {
    assert.is(match(facts), expected);
  });

const PACKED: PackedFacts = {
  common: 60,
  isAlike: true,
  isTelling: true,
  isAll: true,
  mayBeHidden: false,
  isUnread: true,
  isRatherAnother: false,
};
const LITTLE = { common: 2, isTelling: false, isAll: false };

const COMPRESSED: readonly (readonly [string, PackedFacts, ReturnType<typeof matchPacked>])[] = [
  ['begins as all that is known', PACKED, 'moved'],
  ['begins otherwise', { ...PACKED, isAlike: false }, 'other'],
  ['begins like another of which more is known', { ...PACKED, isRatherAnother: true }, 'other'],
  ['begins with half a line that is known, nothing read', { ...PACKED, ...LITTLE }, 'perhaps'],
  ['begins with half a line that is known, and was read', { ...PACKED, ...LITTLE, isUnread: false }, 'other'],
  ['its beginning is out of sight', { ...PACKED, common: 0, mayBeHidden: true }, 'moved'],
  ['it holds nothing', { ...PACKED, common: 0 }, 'other'],
];

for (const [name, facts, expected] of COMPRESSED)
  test(`compressed, ${name}: ${expected}`, () => {
    assert.is(matchPacked(facts), expected);
  });

test('the disk is not asked when names or sizes decide', () => {
  const unasked = (facts: Facts): Facts =>
    Object.defineProperties(
      { ...facts },
      Object.fromEntries(
        (['begins', 'goesOn'] as const).map((fact) => [fact, { get: () => assert.unreachable(`asked ${fact}`) }]),
      ),
    );
  assert.is(match(unasked(STRANGER)), 'other');
  assert.is(match(unasked({ ...OWN, size: 20 })), 'truncated');
});

test.run();
