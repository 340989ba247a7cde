/**
 * Bodies of reviews under one limit of memory. Anybody who reaches the port can begin a body and never end it: when all
 * bodies together exceed the limit, the address that holds most of it loses its largest one, and not the newcomer.
 */
import type { IncomingMessage } from 'node:http';
import { GrowingBuffer } from '#kit/net/growing-buffer.ts';

/** A body that was not read to its end. */
export class BodyError extends Error {
  readonly status: 413 | 503;
  constructor(status: 413 | 503, message: string) {
    super(message);
    this.status = status;
  }
}

interface Reading {
  readonly address: string;
  readonly body: GrowingBuffer;
  readonly giveUp: () => void;
}

export class Bodies {
  readonly #readings = new Set<Reading>();
  readonly #mostOfOne: number;
  readonly #mostOfAll: number;
  #total = 0;

  /** @param mostOfOne bytes of one body @param mostOfAll bytes of all bodies that are being read */
  constructor(mostOfOne: number, mostOfAll: number) {
    this.#mostOfOne = mostOfOne;
    this.#mostOfAll = mostOfAll;
  }

  /** Bytes that are held. */
  get total(): number {
    return this.#total;
  }

  /**
   * Read a body whole; its time is limited by the server.
   * @throws {BodyError} when it is too long, had to make room for others, or its connection ended
   */
  async read(request: IncomingMessage): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const body = new GrowingBuffer();
    const address = request.socket.remoteAddress ?? '';
    const reading: Reading = {
      address,
      body,
      giveUp: () => reject(new BodyError(503, 'too many bodies at once')),
    };
    this.#readings.add(reading);
    request.on('data', (piece: Buffer) => {
      if (body.length + piece.length > this.#mostOfOne) {
        reject(new BodyError(413, `a body has at most ${this.#mostOfOne} bytes`));
        return;
      }
      body.add(piece);
      this.#total += piece.length;
      if (this.#total > this.#mostOfAll) this.#makeRoom();
    });
    request.once('end', () => resolve(body.bytes.toString()));
    request.once('error', () => reject(new BodyError(503, 'the connection ended')));
    request.once('close', () => reject(new BodyError(503, 'the connection ended')));
    try {
      return await promise;
    } finally {
      request.removeAllListeners('data');
      this.#readings.delete(reading);
      this.#total -= body.length;
    }
  }

  #makeRoom(): void {
    const held = new Map<string, number>();
    for (const { address, body } of this.#readings) held.set(address, (held.get(address) ?? 0) + body.length);
    const most = Math.max(...held.values());
    const largest = [...this.#readings]
      .filter(({ address }) => held.get(address) === most)
      .reduce((a, b) => (b.body.length > a.body.length ? b : a));
    largest.giveUp();
  }
}
