/** Defects that are put in by hand, to see whether the simulation finds them: how many seeds of some hundred are red. */
import { writeFile } from 'node:fs/promises';
import { Store } from '../../apply/store.ts';
import { Target } from '../../apply/target.ts';
import { KEY } from './server.ts';
import { SimulatedApplication } from './application.ts';

/** Put one in. @returns what takes it out again */
function change<T extends object>(type: { readonly prototype: T }, name: keyof T & string, value: unknown): () => void {
  const before = Object.getOwnPropertyDescriptor(type.prototype, name)!;
  Object.defineProperty(type.prototype, name, { ...before, value });
  return () => void Object.defineProperty(type.prototype, name, before);
}

/** By what is wrong. */
export const DEFECTS: Readonly<Record<string, () => () => void>> = {
  'the file is written in place': () =>
    change(Target, 'publish', async function (this: Target, content: Uint8Array) {
      await writeFile(this.path, content);
    }),
  'no copy of the good version is kept': () => change(Store, 'keep', async () => {}),
  'the journal is not read at a start': () => change(Store, 'load', async () => ({ key: KEY })),
  'nobody looks whether the application takes it': () => change(SimulatedApplication, 'refusal', async () => undefined),
};
