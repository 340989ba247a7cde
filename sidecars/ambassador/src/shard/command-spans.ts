/**
 * A span of each command that goes to a server, by OpenTelemetry's conventions for database clients
 * (https://opentelemetry.io/docs/specs/semconv/database/redis/). RESP carries no trace, so each is one of its own. Keys and
 * values are in none.
 */
import { epochNow } from '#kit/time/epoch.ts';
import type { Sampler } from '#kit/tracing/sampler.ts';
import type { SpanContext, SpanRecord } from '#kit/tracing/span.ts';
import { beginTrace } from '#proxy/tracing/context.ts';
import type { Pending } from './pending.ts';
import type { CommandTracer, ServerAddress } from './server-connection.ts';

export interface CommandSpansOptions {
  readonly sampler: Sampler;
  readonly export: (span: SpanRecord) => void;
}

/** The first word of a command as servers get it: `*2\r\n$3\r\nGET\r\n…`. */
const NAME = /^\*\d+\r\n\$\d+\r\n([A-Za-z]{1,32})\r\n/;
/** Of an error, `-WRONGTYPE Operation against …`: its prefix; and of ours, `server b: ECONNREFUSED`. */
const PREFIX = /^-([A-Z]{1,32})\b/;
const CODE = /\b(E[A-Z]{3,20})$/;
/** Enough to tell both, in bytes. */
const BEGIN = 64;
const ERROR = '-'.charCodeAt(0);

export class CommandSpans implements CommandTracer {
  readonly #options: CommandSpansOptions;

  constructor(options: CommandSpansOptions) {
    this.#options = options;
  }

  /** @returns what is told of the reply; `pending` itself for a command that is not sampled */
  begin(server: ServerAddress, command: Buffer, pending: Pending): Pending {
    const context = beginTrace(this.#options.sampler);
    return context.sampled ? new TracedReply(server, command, pending, context, this.#options.export) : pending;
  }
}

class TracedReply implements Pending {
  readonly #server: ServerAddress;
  readonly #operation: string;
  readonly #pending: Pending;
  readonly #context: SpanContext;
  readonly #export: (span: SpanRecord) => void;
  readonly #start = epochNow();
  /** The prefix of the server's error. */
  #status: string | undefined;
  #begun = false;

  constructor(
    server: ServerAddress,
    command: Buffer,
    pending: Pending,
    context: SpanContext,
    onEnd: (span: SpanRecord) => void,
  ) {
    this.#server = server;
    this.#operation = NAME.exec(command.toString('latin1', 0, BEGIN))?.[1]?.toUpperCase() ?? '_OTHER';
    this.#pending = pending;
    this.#context = context;
    this.#export = onEnd;
  }

  onReply(bytes: Buffer, done: boolean): void {
    if (!this.#begun && bytes[0] === ERROR)
      this.#status = PREFIX.exec(bytes.toString('latin1', 0, BEGIN))?.[1] ?? '_OTHER';
    this.#begun = true;
    if (done) this.#end(this.#status, this.#status && `the server answered ${this.#status}`);
    this.#pending.onReply(bytes, done);
  }

  onFailure(reason: string): void {
    this.#end(CODE.exec(reason)?.[1] ?? '_OTHER', reason);
    this.#pending.onFailure(reason);
  }

  congested(resume: () => void): boolean {
    return this.#pending.congested?.(resume) === true;
  }

  #end(type: string | undefined, error: string | undefined): void {
    const { host, port } = this.#server;
    this.#export({
      context: this.#context,
      name: `${this.#operation} ${host}:${port}`,
      kind: 'client',
      start: this.#start,
      end: epochNow(),
      attributes: {
        'db.system.name': 'redis',
        'db.operation.name': this.#operation,
        'db.response.status_code': this.#status,
        'server.address': host,
        'server.port': port,
        'error.type': type,
      },
      events: [],
      error,
    });
  }
}
