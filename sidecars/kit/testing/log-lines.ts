/** Lines of a log, held to their contract. */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { logSchema, type Logs } from '#kit/contract/logs.ts';
import type { LogFormat } from '#kit/telemetry/log.ts';

/** Checks lines of one sidecar. */
export class LogLines {
  readonly counts = { own: 0, access: 0 };
  readonly #logs: Logs;
  readonly #format: LogFormat;
  readonly #own: ValidateFunction;
  readonly #access: ValidateFunction | undefined;

  constructor(logs: Logs, format: LogFormat) {
    const ajv = new Ajv2020({ strict: true, allowMatchingProperties: true });
    this.#logs = logs;
    this.#format = format;
    this.#own = ajv.compile(logSchema('own', logs.own, format));
    this.#access = logs.access && ajv.compile(logSchema('access', logs.access.fields, format));
  }

  /** @throws {Error} for a line that is not as the contract says */
  check(line: Readonly<Record<string, unknown>>): void {
    const access = this.#access && line[this.#format === 'ecs' ? 'message' : 'msg'] === this.#logs.access?.message;
    const isLine = access ? this.#access! : this.#own;
    if (!isLine(line)) throw new Error(`${JSON.stringify(line)}: ${JSON.stringify(isLine.errors)}`);
    this.counts[access ? 'access' : 'own'] += 1;
  }

  /** All whole lines of what a program wrote. @throws {Error} as `check`, and for what is no JSON */
  checkAll(output: string): void {
    for (const line of output.split('\n').slice(0, -1)) this.check(JSON.parse(line) as Record<string, unknown>);
  }
}
