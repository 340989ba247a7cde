/** Defects that are put in by hand, to see whether the simulation finds them. */
import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { putDefect } from '#kit/testing/simulation/failing.ts';
import { Programs } from '#kit/testing/simulation/processes.ts';
import { Store } from '../../repository/store.ts';
import { readJson } from '../../versions/json-file.ts';
import { Publisher } from '../../versions/publisher.ts';
import { Records, type VersionRecord } from '../../versions/records.ts';
import { StateFile } from '../../versions/state.ts';
import { Versions } from '../../versions/versions.ts';
import { VOLUME } from './run.ts';

/** By what is wrong. */
export const DEFECTS: Readonly<Record<string, () => () => void>> = {
  'the link goes before there is the next one': () =>
    putDefect(
      Publisher,
      'publish',
      (before) =>
        async function (this: Publisher, hash) {
          rmSync(`${VOLUME}/live`, { force: true, recursive: true });
          return await before.call(this, hash);
        },
    ),
  'a version is published whatever its gate says': () =>
    putDefect(
      Versions,
      'make',
      (before) =>
        async function (this: Versions, store, commit, options) {
          return await before.call(this, store, commit, {
            ...options,
            gate: async (path) => void options.gate(path).catch(() => {}),
          });
        },
    ),
  'records of before a power cut are believed': () =>
    putDefect(
      Records,
      'read',
      () =>
        function (this: Records, hash) {
          return readJson(join(dirname(this.index(hash)), 'record.json')) as VersionRecord | undefined;
        },
    ),
  'a record that cannot be read counts as none': () =>
    putDefect(
      Records,
      'read',
      (before) =>
        function (this: Records, hash) {
          try {
            return before.call(this, hash);
          } catch {
            return undefined;
          }
        },
    ),
  'a directory at the link is known by records that are believed alone': () =>
    putDefect(
      Publisher,
      'occupant',
      () =>
        function (this: Publisher) {
          return this.live();
        },
    ),
  'what an operator took back is forgotten': () =>
    putDefect(
      StateFile,
      'set',
      (before) =>
        function (this: StateFile, next) {
          return before.call(this, next.refused?.by === 'operator' ? { ...next, refused: undefined } : next);
        },
    ),
  'locks stay': () => putDefect(Store, 'clearLocks', () => () => {}),
  'programs of a killed sidecar go on': () =>
    putDefect(
      Programs,
      'proc',
      (before) =>
        function (this: Programs, path) {
          return path.endsWith('/environ') ? undefined : before.call(this, path);
        },
    ),
};
