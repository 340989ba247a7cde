/** The broker's file, watched: what can be used is handed on, what cannot is refused and the last good one goes on. */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { unreadable } from '#kit/files/remedy.ts';
import { DirectoryWatch } from '#kit/files/directory-watch.ts';
import { explain } from '#kit/text/explain.ts';
import type { Logger } from '#kit/telemetry/log.ts';
import type { ReadinessCheck } from '#kit/life/readiness.ts';
import { DocumentRefused, MAX_BYTES, readDocument, type Service } from './document.ts';

/** After the last of a burst of events, in milliseconds. */
const SETTLE = 50;

export interface BrokerFileOptions {
  readonly path: string;
  /** In milliseconds. */
  readonly poll: number;
  /** Told whether the file that is there is the one in use. */
  readonly check: ReadinessCheck;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  /** Use it. @throws an Error where it cannot be used: it is refused then */
  readonly onServices: (services: ReadonlyMap<string, Service>) => Promise<void>;
  readonly onRefused: () => void;
}

export class BrokerFile {
  readonly #options: BrokerFileOptions;
  readonly #watch: DirectoryWatch;
  /** What was looked at last, good or bad, and why it was refused. */
  #seen: { readonly text: string | undefined; readonly refusal: string | undefined } | undefined;
  #loaded = false;
  #looking = false;
  /** Something happened while it was looked at. */
  #again = false;
  #closed = false;
  #onLoaded: (() => void) | undefined;

  constructor(options: BrokerFileOptions) {
    this.#options = options;
    const look = (): void => void this.#look();
    this.#watch = new DirectoryWatch({
      onChange: look,
      onPoll: look,
      onBlind: () => {},
      settle: SETTLE,
      poll: options.poll,
    });
  }

  /** Look for the first time, and go on looking. @returns once a file could be used */
  async start(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onLoaded = resolve;
    void this.#look();
    await promise;
  }

  close(): void {
    this.#closed = true;
    this.#watch.close();
  }

  /** It never rejects: what goes wrong is told. */
  async #look(): Promise<void> {
    this.#again = true;
    if (this.#looking) return;
    this.#looking = true;
    while (this.#again && !this.#closed) {
      this.#again = false;
      try {
        const { path } = this.#options;
        if (await this.#watch.follow([dirname(path)], [path])) this.#again = true;
        await this.#read();
      } catch (error) {
        this.#refuse(undefined, explain(error));
      }
    }
    this.#looking = false;
  }

  async #read(): Promise<void> {
    const { path, check, log, onServices } = this.#options;
    let text: string;
    try {
      text = await readBounded(path);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      return this.#refuse(undefined, code === undefined ? explain(error) : unreadable(path, error));
    }
    if (text === this.#seen?.text) {
      // Still the same, and that was verified just now.
      if (this.#seen.refusal === undefined) check.pass();
      return;
    }
    try {
      const services = readDocument(text);
      await onServices(services);
      this.#seen = { text, refusal: undefined };
      check.pass();
      log.info({ path, services: services.size }, 'the file is in use');
      this.#loaded = true;
      this.#onLoaded?.();
    } catch (error) {
      // A port that another has may be free the next time.
      this.#refuse(error instanceof DocumentRefused ? text : undefined, `${path}: ${explain(error)}`);
    }
  }

  #refuse(text: string | undefined, reason: string): void {
    const { check, log, onRefused } = this.#options;
    const known = this.#seen?.refusal === reason;
    this.#seen = { text, refusal: reason };
    const said = this.#loaded ? `${reason}; the last good one goes on` : reason;
    check.fail(said);
    if (known) return;
    onRefused();
    log.warn({ reason }, this.#loaded ? 'the file is refused; the last good one goes on' : 'no file can be used yet');
  }
}

/** @throws an Error for what is no file or is too long, without reading more of it than is allowed */
async function readBounded(path: string): Promise<string> {
  // A pipe without a writer would be waited for.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!(await file.stat()).isFile()) throw new Error(`${path} is no file`);
    const buffer = Buffer.alloc(MAX_BYTES + 1);
    let length = 0;
    while (length < buffer.length) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length, length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return buffer.toString('utf8', 0, length);
  } finally {
    await file.close();
  }
}
