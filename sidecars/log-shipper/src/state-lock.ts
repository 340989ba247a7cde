/** One process to a directory: two that share one would ship everything twice, and spoil what the other notes. */
import { closeSync, mkdirSync, openSync, statSync, unlinkSync } from 'node:fs';
import type { Server } from 'node:net';
import { ConfigurationError } from '#kit/contract/parameters.ts';

const { createServer, connect } = process.getBuiltinModule('node:net');

const NAME = 'lock';

/**
 * Hold a directory for as long as this process lives, by a socket in it: a process that can connect to one knows
 * that its owner is alive, in whatever network and process namespace, and a killed owner holds nothing.
 * @param parameter that named the directory
 * @throws {ConfigurationError} when another process holds it, or it cannot be used
 */
export async function holdDirectory(parameter: string, directory: string): Promise<void> {
  const refuse = (message: string): never => {
    throw new ConfigurationError([{ parameter, reason: 'conflict', message: `${parameter}: ${message}` }]);
  };
  try {
    mkdirSync(directory, { recursive: true });
    const fd = openSync(directory, 'r');
    // The name of a socket is short; that of the directory may not be.
    const path = `/proc/self/fd/${fd}/${NAME}`;
    for (let attempt = 0; attempt < 3; attempt++) {
      const server = await listen(path);
      if (server !== undefined) {
        server.unref();
        if (statSync(path, { throwIfNoEntry: false })) return;
      } else if (await answers(path)) {
        closeSync(fd);
        break;
      } else unlinkSync(path);
    }
  } catch (error) {
    refuse(
      `${directory} cannot be written (${(error as NodeJS.ErrnoException).code}); accepted is a directory that this user may write to`,
    );
  }
  refuse(`${directory} is in use by another shipper; accepted is a directory of its own`);
}

function listen(path: string): Promise<Server | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<Server | undefined>();
  const server = createServer((socket) => socket.destroy());
  server.once('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EADDRINUSE') resolve(undefined);
    else reject(error);
  });
  server.listen(path, () => resolve(server));
  return promise;
}

function answers(path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(path, () => {
    socket.destroy();
    resolve(true);
  });
  socket.once('error', () => resolve(false));
  return promise;
}
