/** How long a line takes from its file to the store when nothing else happens, in simulated time. */
import { onMachine, settle } from '#kit/testing/simulation/install.ts';
import { Machine, type Program } from '#kit/testing/simulation/machine.ts';
import { startShipper } from './shipper.ts';
import { SimulatedStore } from './store.ts';
import { LOGS } from './world.ts';

const LINES = 100;

/** @returns how long each of a hundred lines took, shortest first, in milliseconds */
export async function delays(seed: number): Promise<number[]> {
  const machine = new Machine(seed);
  const { files, random } = machine;
  const store = new SimulatedStore(machine, { refused: 0, unheard: 0, busy: 0, item: 0, half: 0, delay: [1, 10] });
  const writtenAt: number[] = [];
  function* write(): Program {
    const fd = files.open(`${LOGS}/app.log`, { write: true, create: true, append: true }, 'application');
    for (let line = 0; line < LINES; line++) {
      yield random.between(300, 3000);
      writtenAt.push(machine.now);
      files.write(fd, Buffer.from(`${line}\n`));
    }
  }
  await onMachine(machine, async () => {
    for (const each of ['/simulated', LOGS]) files.mkdir(each);
    machine.boot(() => startShipper(store, { lost: [], errors: [], said: () => {} }, {}, () => machine.alive));
    machine.start(write());
    while (machine.programs > 0) await machine.run(machine.now + 1000, settle);
    await machine.run(machine.now + 5000, settle);
    machine.kill();
  });
  return store.storedAt.map((at, line) => at - writtenAt[line]!).toSorted((a, b) => a - b);
}
