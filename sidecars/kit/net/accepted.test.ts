/** Of real programs: one that accepts, one that is paused, one that is not here. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { isAccepted } from './accepted.ts';

const test = suite('accepted');

/** A program that listens at an address and accepts. */
async function server(host: string): Promise<{ port: number; signal: (name: NodeJS.Signals) => void }> {
  const source = `require('node:net').createServer(() => {}).listen(0, '${host}', function () { console.log(this.address().port) })`;
  const child = spawn(process.execPath, ['--eval', source], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return { port: Number(line.toString()), signal: (name) => void child.kill(name) };
}

async function connected(host: string, port: number): Promise<Socket> {
  const socket = connect(port, host);
  await once(socket, 'connect');
  return socket;
}

for (const host of ['127.0.0.1', '::1'])
  test(`at ${host}: who accepts is told from who is paused, and from who goes on`, async () => {
    const { port, signal } = await server(host);
    try {
      const first = await connected(host, port);
      assert.is(await isAccepted(first, 5000), true);
      signal('SIGSTOP');
      const second = await connected(host, port);
      assert.is(await isAccepted(second, 300), false);
      const later = isAccepted(second, 5000);
      signal('SIGCONT');
      assert.is(await later, true);
      for (const socket of [first, second]) socket.destroy();
    } finally {
      signal('SIGKILL');
    }
  });

test('a connection that is over, or that ends elsewhere, is not judged', async () => {
  const { port, signal } = await server('127.0.0.1');
  const socket = await connected('127.0.0.1', port);
  socket.destroy();
  assert.is(await isAccepted(socket, 300), undefined);
  signal('SIGKILL');
});

test.run();
