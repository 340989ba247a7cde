/**
 * The slow log: SLOWLOG GET answers the newest entries first, each with an id that grows while the server runs and
 * begins at 0 with it. https://valkey.io/commands/slowlog-get/
 */
import type { SlowLogBatch } from '../database.ts';
import type { Server } from '../server.ts';
import { conversation, type Ask } from './client.ts';
import { fieldOf, readInfo } from './fields.ts';
import { ReplyError, type Reply } from '#kit/resp/reply-reader.ts';

/** Entries that are asked for; four times as many while the last known one is not among them. */
const FIRST = 128;
const MOST = 8192;

interface Entry {
  readonly id: number;
  readonly fields: Readonly<Record<string, unknown>>;
}

export class SlowLog {
  readonly #server: Server;
  readonly #whole: boolean;
  /** Which run of the server the ids are of. */
  #run: string | undefined;
  #last = -1;

  /** @param whole show arguments, too */
  constructor(server: Server, whole: boolean) {
    this.#server = server;
    this.#whole = whole;
  }

  /** What is new since the last call; at the first, what is in the log counts as told. */
  async read(signal: AbortSignal): Promise<SlowLogBatch> {
    return await conversation(this.#server, signal, async (ask) => {
      const [info, newest] = await ask([['INFO', 'server'], slowLogGet(FIRST)]);
      const run = runOf(info!);
      const first = this.#run === undefined;
      const begunAnew = !first && run !== this.#run;
      const last = begunAnew ? -1 : this.#last;
      const entries = await this.#entries(ask, newest!, first ? Infinity : last);
      const fresh = entries.filter(({ id }) => id > last).toSorted((a, b) => a.id - b.id);
      this.#run = run;
      this.#last = Math.max(last, ...fresh.map(({ id }) => id));
      if (first) return { entries: [], lost: 0, begunAnew };
      const lost = fresh.length === 0 ? 0 : this.#last - last - fresh.length;
      return { entries: fresh.map(({ fields }) => fields), lost, begunAnew };
    });
  }

  /** Ask for more until the list reaches back to the last known one, or ends. */
  async #entries(ask: Ask, newest: Reply, last: number): Promise<Entry[]> {
    let reply = newest;
    for (let count = FIRST; ; count *= 4) {
      const entries = entriesOf(reply, this.#whole);
      const reached = entries.length < count || entries.some(({ id }) => id <= last + 1);
      if (reached || count >= MOST) return entries;
      reply = (await ask([slowLogGet(count * 4)]))[0]!;
    }
  }
}

function slowLogGet(count: number): string[] {
  return ['SLOWLOG', 'GET', String(count)];
}

function runOf(info: Reply): string {
  if (info instanceof ReplyError) throw info;
  const run = typeof info === 'string' ? fieldOf(readInfo(info), 'run_id') : undefined;
  if (run === undefined) throw new Error('INFO server was answered without a run_id');
  return run;
}

function entriesOf(reply: Reply, whole: boolean): Entry[] {
  if (reply instanceof ReplyError) throw reply;
  if (!Array.isArray(reply)) throw new Error('SLOWLOG GET was answered with no list');
  return reply.map((entry) => {
    const [id, time, usec, words, client, name] = Array.isArray(entry) ? entry : [];
    if (typeof id !== 'number' || typeof time !== 'number' || typeof usec !== 'number' || !Array.isArray(words))
      throw new Error('SLOWLOG GET was answered with an entry that is none');
    const fields = {
      id,
      at: timeText(time),
      duration_seconds: usec / 1e6,
      ...describe(words, whole),
      ...(typeof client === 'string' && client !== '' && { client }),
      ...(typeof name === 'string' && name !== '' && { client_name: name }),
    };
    return { id, fields };
  });
}

/** A server's clock may say anything; a date of JavaScript ends in the year 275760. */
function timeText(seconds: number): string | number {
  return Math.abs(seconds) > 8.64e12 ? seconds : new Date(seconds * 1000).toISOString();
}

/** Commands whose second word is a command, too. */
const CONTAINERS =
  /^(?:acl|client|cluster|command|config|debug|function|latency|memory|module|object|pubsub|script|slowlog|xgroup|xinfo)$/i;
const WORD = /^[a-zA-Z_.-]{1,32}$/;

/** What may be shown of a command: keys and values are data, and how many there are is not. */
function describe(words: readonly Reply[], whole: boolean): Readonly<Record<string, unknown>> {
  const [command = '', ...rest] = words.map(String);
  if (whole) return { command, arguments: rest };
  const shown = WORD.test(command) ? command.toUpperCase() : '[redacted]';
  const sub = CONTAINERS.test(command) && WORD.test(rest[0] ?? '') ? rest[0]!.toUpperCase() : undefined;
  return sub === undefined
    ? { command: shown, arguments: rest.length }
    : { command: `${shown} ${sub}`, arguments: rest.length - 1 };
}
