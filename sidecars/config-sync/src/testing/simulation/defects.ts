/** Defects that are put in by hand, to see whether the simulation finds them. */
import { writeFile } from 'node:fs/promises';
import { putDefect } from '#kit/testing/simulation/failing.ts';
import { Store } from '../../apply/store.ts';
import { Target } from '../../apply/target.ts';
import { KEY } from './server.ts';
import { SimulatedApplication } from './application.ts';

/** By what is wrong. */
export const DEFECTS: Readonly<Record<string, () => () => void>> = {
  'the file is written in place': () =>
    putDefect(
      Target,
      'publish',
      () =>
        async function (this: Target, content: Uint8Array) {
          await writeFile(this.path, content);
        },
    ),
  'no copy of the good version is kept': () => putDefect(Store, 'keep', () => async () => {}),
  'the journal is not read at a start': () => putDefect(Store, 'load', () => async () => ({ key: KEY })),
  'nobody looks whether the application takes it': () =>
    putDefect(SimulatedApplication, 'refusal', () => async () => undefined),
};
