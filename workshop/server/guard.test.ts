/** Faults are taken back, also when the process that was to do so has ended. */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { startGuard, takeBackLeftOver } from './guard.ts';

const bin = temporaryDirectory('guard-bin');
const told = join(bin, 'told');
// What the engine would be told.
// It is away at first.
writeFileSync(join(bin, 'docker'), `#!/bin/sh\necho "$*" >> ${told}\n[ "$(grep -c '^version' ${told})" -gt 1 ]\n`);
chmodSync(join(bin, 'docker'), 0o755);
process.env['PATH'] = `${bin}${delimiter}${process.env['PATH']}`;

const WAIT = { within: 60_000 };
const heard = (): string[] => (existsSync(told) ? readFileSync(told, 'utf8').trim().split('\n') : []);
/** The number of a process that has ended. */
const gone = (): number => spawnSync(process.execPath, ['--version']).pid;

test('what is undone leaves no note', async () => {
  const notes = temporaryDirectory('guard');
  let ended = false;
  startGuard(0, [['unpause', 'one']], () => (ended = true), notes)();
  await eventually('it is undone', () => heard().includes('unpause one') && ended, WAIT);
  assert.equal(readdirSync(notes), []);
  assert.is(takeBackLeftOver(notes), 0);
});

test('a fault that takes long to be made is not taken back before it is there', async () => {
  const notes = temporaryDirectory('guard');
  const made = startGuard(0, [['unpause', 'slow']], () => {}, notes);
  // A guard that begins later has ended before.
  startGuard(0, [['unpause', 'other']], () => {}, notes)();
  await eventually('the other is undone', () => heard().includes('unpause other'), WAIT);
  assert.not.ok(heard().includes('unpause slow'));
  made();
  await eventually('it is undone', () => heard().includes('unpause slow'), WAIT);
});

test('what a process that is no more was to undo, the next server does, and once', async () => {
  const notes = temporaryDirectory('guard');
  const undo = [
    ['start', 'two'],
    ['restart', 'three'],
  ];
  writeFileSync(join(notes, 'left.json'), JSON.stringify({ pid: gone(), at: Date.now(), undo }));
  assert.is(takeBackLeftOver(notes), 1);
  await eventually('it is undone', () => heard().includes('restart three') && readdirSync(notes).length === 0, WAIT);
  assert.is(heard().filter((line) => line === 'start two').length, 1);
});

test('what a process is still to undo is left to it, unless it is long overdue', async () => {
  const notes = temporaryDirectory('guard');
  const note = (at: number, name: string): void =>
    writeFileSync(join(notes, 'other.json'), JSON.stringify({ pid: process.pid, at, undo: [['unpause', name]] }));
  note(Date.now() + 15_000, 'four');
  assert.is(takeBackLeftOver(notes), 0);
  assert.equal(readdirSync(notes), ['other.json']);
  note(Date.now() - 3_600_000, 'five');
  assert.is(takeBackLeftOver(notes), 1);
  await eventually('it is undone', () => heard().includes('unpause five'), WAIT);
  assert.not.ok(heard().includes('unpause four'));
});

test('a note that is none is thrown away', () => {
  const notes = temporaryDirectory('guard');
  for (const [index, text] of ['', '{', 'null', '{"pid":0,"at":0,"undo":"x"}', '[]'].entries())
    writeFileSync(join(notes, `${index}.json`), text);
  assert.is(takeBackLeftOver(notes), 0);
  assert.equal(readdirSync(notes), []);
  assert.is(takeBackLeftOver(join(notes, 'none')), 0);
});

test.run();
