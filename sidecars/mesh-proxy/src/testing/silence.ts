/** Telling that time has passed by what it does, and not by waiting for so long. */
import { createServer } from 'node:net';
import { serve } from '#kit/testing/server.ts';
import { connected } from '#proxy/testing/raw-client.ts';
import { startPod } from './mesh.ts';

/**
 * Wait for a connection that says nothing, and is opened now, to be taken for one whose server speaks first: every
 * connection of this process that was opened before has been silent for longer.
 * @param begin opens what is to be silent, once all that takes long has been made
 */
export async function waitForProtocolTimeout(begin: () => unknown = () => {}): Promise<void> {
  await using app = await serve(createServer((socket) => void socket.end('220 welcome')));
  await using pod = await startPod('silent', { configuration: { inbound: { mtls: 'DISABLE' } } });
  pod.meant.inbound = { address: '127.0.0.1', port: app.port };
  await begin();
  const silent = await connected(pod.plane.inboundPort);
  await silent.until(({ text }) => text === '220 welcome');
  silent.socket.destroy();
}
