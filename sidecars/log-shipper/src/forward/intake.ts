/** From messages to records in the spool. The driver does not wait, so what arrives goes to the disk at once. */
import type { Logger } from '#kit/telemetry/log.ts';
import type { LogRecord } from '../lines/record.ts';
import type { Splitter } from '../lines/splitter.ts';
import { toRecord, type RecordOptions } from '../lines/to-record.ts';
import { Assembler, type Assembled } from './assembler.ts';
import { toContainerLine, type ContainerLine } from './container.ts';
import { Held } from './held.ts';
import type { Message } from './protocol.ts';

const { hash, randomBytes } = process.getBuiltinModule('node:crypto');

/** How often waiting events are looked at, in milliseconds. */
const TICK = 500;
/** Entries that are made into records before these are written to the spool. */
const BATCH = 500;

export interface IntakeOptions extends RecordOptions {
  readonly splitter: Splitter;
  /** How long a piece of an event waits for the next, in milliseconds. */
  readonly patience: number;
  readonly serviceName: string | undefined;
  readonly spool: { append(records: readonly LogRecord[]): Promise<void> };
  /** Where pieces of events are kept that wait for the rest. */
  readonly dir: string;
  /** Whether a full disk has lines given up. */
  readonly drops: boolean;
  readonly log: Pick<Logger, 'warn' | 'error'>;
  readonly onRead: (lines: number, bytes: number) => void;
  readonly onDiskError: (code: string) => void;
}

interface Origin {
  readonly id: string;
  readonly line: Pick<ContainerLine, 'members' | 'source' | 'time'>;
}

export class Intake {
  readonly #options: IntakeOptions;
  readonly #assembler: Assembler<Origin>;
  readonly #held: Held<Origin>;
  readonly #timer: NodeJS.Timeout;
  /** Ids are of this process and a count; what is in the spool keeps its id. */
  readonly #instance = randomBytes(9).toString('base64url');
  #count = 0;
  /** Batches on their way to the spool. */
  #spooling = 0;

  /** @throws when the journal of what waits cannot be used */
  constructor(options: IntakeOptions) {
    const { splitter, limit, patience, dir, drops, onDiskError, log, skipped } = options;
    this.#options = options;
    this.#assembler = new Assembler(splitter, limit, patience, ({ line }) => line.members.length + line.source.length);
    this.#held = new Held(this.#assembler, { dir, drops, onError: onDiskError });
    const failed = (error: unknown): void => log.error({ err: error }, 'lines of containers could not be kept');
    let dropped = 0;
    const restored = this.#held.restore(performance.now(), (count) => (dropped += count));
    if (dropped > 0) {
      skipped('journal', dropped);
      log.warn(
        { lines: dropped },
        'the journal of the forward input had more lines than may be restored: the oldest are dropped',
      );
    }
    this.#append(restored).catch(failed);
    this.#timer = setInterval(() => {
      this.#append(this.#held.expire(performance.now())).catch(failed);
    }, TICK);
    this.#timer.unref();
  }

  /**
   * Take a message in.
   * @param size bytes that it came in
   * @returns once a killed process would not lose any of it
   */
  async take(message: Message, size: number): Promise<void> {
    const { serviceName, onRead } = this.#options;
    const idOf = this.#ids(message);
    let events: Assembled<Origin>[] = [];
    let index = 0;
    for (const entry of message.entries) {
      const {
        members,
        source,
        time = new Date().toISOString(),
        ...piece
      } = toContainerLine(message.tag, entry, serviceName);
      events.push(...this.#held.add({ id: idOf(index), line: { members, source, time } }, piece, performance.now()));
      if (++index % BATCH > 0) continue;
      await this.#append(events);
      events = [];
    }
    onRead(index, size);
    await this.#append(events);
  }

  /** Write down what waits for more. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    while (this.#assembler.waiting) await this.#append(this.#held.expire(Infinity));
    await this.#held.keep();
    this.#held.close();
  }

  /** A message with a chunk is sent again under the same name, so its ids are made of that. */
  #ids({ tag, chunk }: Message): (index: number) => string {
    if (chunk === undefined) return () => `${this.#instance}-${(this.#count++).toString(36)}`;
    const name = hash('sha256', `${tag}\0${chunk}`, 'base64url').slice(0, 16);
    return (index) => `${name}-${index.toString(36)}`;
  }

  async #append(events: readonly Assembled<Origin>[]): Promise<void> {
    this.#spooling += 1;
    try {
      await this.#held.keep();
      const records = events.flatMap((event) => this.#record(event) ?? []);
      if (records.length > 0) await this.#options.spool.append(records);
      this.#held.done(events);
    } finally {
      this.#spooling -= 1;
    }
    if (this.#spooling === 0) this.#held.shorten();
  }

  #record({ first: { id, line }, text, foreign, cut }: Assembled<Origin>): LogRecord | undefined {
    const { multiline } = this.#options.splitter;
    return toRecord({ ...line, id, text, foreign, cut, multiline }, this.#options);
  }
}
