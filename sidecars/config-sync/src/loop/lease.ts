/**
 * One at a time on a state directory: a second `docker compose up` runs the init container again,
 * beside the sidecar that is at work. The lease is an abstract socket, which all containers of a pod
 * see, which needs no file, and which the kernel takes back from a process that is killed.
 * Source: unix(7), abstract sockets.
 */
import { stat } from 'node:fs/promises';
import { createServer } from 'node:net';

/**
 * Take the lease of a directory, for as long as this process lives.
 * @returns false when another process has it
 */
export async function takeLease(directory: string): Promise<boolean> {
  // The inode is the same however containers mount it.
  const name = await stat(directory).then(
    ({ dev, ino }) => `${dev}-${ino}`,
    () => directory,
  );
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const server = createServer((connection) => connection.destroy());
  server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'EADDRINUSE'));
  server.listen({ path: `\0config-sync-${name}` }, () => resolve(true));
  server.unref();
  return await promise;
}
