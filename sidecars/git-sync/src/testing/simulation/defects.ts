/** Defects that are put in by hand, to see whether the simulation finds them: how many seeds of some hundred are red. */
import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Programs } from '#kit/testing/simulation/processes.ts';
import { Store } from '../../repository/store.ts';
import { readJson } from '../../versions/json-file.ts';
import { Publisher } from '../../versions/publisher.ts';
import { Records, type VersionRecord } from '../../versions/records.ts';
import { StateFile } from '../../versions/state.ts';
import { Versions } from '../../versions/versions.ts';
import { VOLUME } from './run.ts';

/** Put one in. @param make gets what was there before @returns what takes it out again */
function change<T extends object, Name extends keyof T & string>(
  type: { readonly prototype: T },
  name: Name,
  make: (before: T[Name]) => T[Name],
): () => void {
  const before = Object.getOwnPropertyDescriptor(type.prototype, name)!;
  Object.defineProperty(type.prototype, name, { ...before, value: make(before.value as T[Name]) });
  return () => void Object.defineProperty(type.prototype, name, before);
}

/** By what is wrong. */
export const DEFECTS: Readonly<Record<string, () => () => void>> = {
  'the link goes before there is the next one': () =>
    change(
      Publisher,
      'publish',
      (before) =>
        async function (this: Publisher, hash) {
          rmSync(`${VOLUME}/live`, { force: true, recursive: true });
          return await before.call(this, hash);
        },
    ),
  'a version is published whatever its gate says': () =>
    change(
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
    change(
      Records,
      'read',
      () =>
        function (this: Records, hash) {
          return readJson(join(dirname(this.index(hash)), 'record.json')) as VersionRecord | undefined;
        },
    ),
  'a record that cannot be read counts as none': () =>
    change(
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
    change(
      Publisher,
      'occupant',
      () =>
        function (this: Publisher) {
          return this.live();
        },
    ),
  'what an operator took back is forgotten': () =>
    change(
      StateFile,
      'set',
      (before) =>
        function (this: StateFile, next) {
          return before.call(this, next.refused?.by === 'operator' ? { ...next, refused: undefined } : next);
        },
    ),
  'locks stay': () => change(Store, 'clearLocks', () => () => {}),
  'programs of a killed sidecar go on': () =>
    change(
      Programs,
      'proc',
      (before) =>
        function (this: Programs, path) {
          return path.endsWith('/environ') ? undefined : before.call(this, path);
        },
    ),
};
