import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { temporaryDirectory } from '#kit/testing/temporary.ts';

/** The engine's socket under another path, which can be taken away: an engine that is restarted. */
export class Relay {
  readonly path = join(temporaryDirectory('relay'), 'docker.sock');
  readonly #real: string;
  readonly #open = new Set<Socket>();
  #server: Server | undefined;

  constructor(real: string) {
    this.#real = real;
  }

  async start(): Promise<void> {
    this.#server = createServer({ allowHalfOpen: true }, (socket) => {
      const other = connect({ path: this.#real, allowHalfOpen: true });
      for (const each of [socket, other]) {
        this.#open.add(each);
        each.on('error', () => each.destroy()).on('close', () => this.#open.delete(each));
      }
      socket.pipe(other).pipe(socket);
    });
    this.#server.listen(this.path);
    await once(this.#server, 'listening');
  }

  async stop(): Promise<void> {
    this.#server?.close();
    for (const each of this.#open) each.destroy();
    rmSync(this.path, { force: true });
  }
}
