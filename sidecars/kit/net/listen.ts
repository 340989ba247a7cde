/** Binding a port, with an error that names the parameter to change. */
import type { ListenOptions, Server } from 'node:net';
import { ConfigurationError } from '../contract/parameters.ts';

const MEANING: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is in use in this network namespace; accepted is a free port (every sidecar of a pod needs its own)',
  EACCES: 'may not be bound by this user; accepted is a port from 1024 on, or the capability NET_BIND_SERVICE',
  ENOTFOUND: 'is no name that can be resolved here; accepted is an address, or a name of this host',
  EAI_AGAIN: 'is a name that cannot be resolved now; accepted is an address, or a name of this host',
  EADDRNOTAVAIL: 'is no address of this network namespace; accepted is 0.0.0.0, ::, or an address that it has',
};

/**
 * Listen, and wait until it does.
 * @param server any server of node:net's family
 * @param options as for `server.listen`
 * @param parameter the parameter that holds the port, for the error
 * @throws {ConfigurationError} when the port cannot be had
 */
export async function listen(server: Server, options: ListenOptions, parameter: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const refuse = (error: NodeJS.ErrnoException): void => {
    const meaning = MEANING[error.code ?? ''];
    const at = `${options.host ?? '*'}:${options.port}`;
    reject(
      meaning
        ? new ConfigurationError([{ parameter, reason: 'conflict', message: `${parameter}: ${at} ${meaning}` }])
        : error,
    );
  };
  server.once('error', refuse);
  server.listen(options, () => {
    server.off('error', refuse);
    resolve();
  });
  await promise;
}
