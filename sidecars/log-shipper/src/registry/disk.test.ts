/** A registry on a disk that fails for a moment: what it has acknowledged is what the next process finds. */
import { onMachine, ROOT } from '#kit/testing/simulation/install.ts';
import { Machine } from '#kit/testing/simulation/machine.ts';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { TrackedFile } from '../files/tracked/tracked-file.ts';
import { Registry } from './registry.ts';

const STATE = `${ROOT}/state`;

function tracked(): TrackedFile {
  const made = new TrackedFile('a', '/logs/a.log', '1:2', '/logs/a.log');
  made.head = { at: 0, bytes: Buffer.from('beginning\n') };
  return made;
}

/** Do something as the one process of a machine. */
async function asProcess(machine: Machine, work: () => void): Promise<void> {
  await onMachine(machine, async () => {
    machine.files.mkdir(ROOT);
    machine.boot(work);
    await Promise.resolve();
  });
  assert.equal(machine.thrown, []);
}

/** Let the first of a system call fail, by the path that it is about. */
function failOnce(machine: Machine, call: string, isMeant: (path: string) => boolean): void {
  machine.fault = (name, of) => {
    const path = /^\d+$/.test(of) ? machine.files.descriptor(Number(of)).path : of;
    if (name !== call || !isMeant(path)) return undefined;
    machine.fault = undefined;
    return 'EIO';
  };
}

const acked = (): unknown => new Registry(STATE).found.map(({ acked: each }) => each);

for (const call of ['open', 'fsync'])
  test(`what is acknowledged after a failed ${call} of the directory is found again`, async () => {
    const machine = new Machine(1);
    await asProcess(machine, () => {
      const registry = new Registry(STATE);
      const file = tracked();
      registry.write([file]);
      file.advance(5, { at: 5, length: 4, digest: 'abc' });
      failOnce(machine, call, (path) => path === STATE);
      assert.throws(() => registry.write([file]), /EIO/);
      assert.is(machine.fault, undefined, 'it has failed');
      file.advance(9, { at: 9, length: 4, digest: 'def' });
      registry.acknowledge([file]);
      assert.equal(acked(), [9]);
    });
  });

test('an error that the disk gives twice is told as it was first', async () => {
  const machine = new Machine(1);
  await asProcess(machine, () => {
    const registry = new Registry(STATE);
    registry.write([tracked()]);
    machine.fault = (call) => (call === 'fsync' ? 'EIO' : call === 'unlink' ? 'EROFS' : undefined);
    assert.throws(() => registry.write([tracked()]), /EIO/);
    machine.fault = (call) => (call === 'write' ? 'ENOSPC' : call === 'ftruncate' ? 'EIO' : undefined);
    assert.throws(() => registry.acknowledge([tracked()]), /ENOSPC/);
    machine.fault = undefined;
    registry.write([tracked()]);
  });
});

test.run();
