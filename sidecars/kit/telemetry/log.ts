/** Logs: JSON lines on stdout, for collectors of a container's output; without a reader it blocks nothing. */
import { pino, type ChildLoggerOptions, type LogFn, type Logger, type LoggerOptions } from 'pino';
import { ECS_VERSION, ecsFields } from './ecs.ts';
import { standardOutput } from './output.ts';
import type { Problems } from './problems.ts';

export type { Logger } from 'pino';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export const LOG_FORMATS = ['json', 'ecs'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

export interface LogOptions {
  /** `json` where absent. */
  readonly format?: LogFormat;
  /** Told of each line that is written. */
  readonly problems?: Problems;
}

/**
 * A logger that writes `{"level":"info","time":"2026-…Z","sidecar":"tls","msg":…}` lines, or
 * `{"log.level":"info","@timestamp":"2026-…Z","service.name":"tls","message":…}`.
 * @param sidecar the sidecar's name, on every line
 * @param level the least level that is written
 */
export function createLog(sidecar: string, level: string, { format = 'json', problems }: LogOptions = {}): Logger {
  const output = standardOutput();
  const options: LoggerOptions = {
    ...(format === 'ecs' ? ecsOptions(sidecar) : jsonOptions(sidecar)),
    level,
    ...(problems && {
      hooks: {
        logMethod(this: Logger, args: Parameters<LogFn>, method: LogFn, number: number): void {
          problems.note(args, number);
          method.apply(this, args);
        },
      },
    }),
  };
  const log = pino(options, output);
  output.onLost = (lost) => log.warn({ lost }, 'nobody read the log: lines were lost');
  return format === 'ecs' ? namingChildren(log) : log;
}

const jsonOptions = (sidecar: string): LoggerOptions => ({
  base: { sidecar },
  timestamp: pino.stdTimeFunctions.isoTime,
  formatters: { level: (label) => ({ level: label }) },
});

const ecsOptions = (sidecar: string): LoggerOptions => ({
  base: { 'ecs.version': ECS_VERSION, 'service.name': sidecar },
  messageKey: 'message',
  timestamp: () => `,"@timestamp":"${new Date().toISOString()}"`,
  // An error alone is `{err}` for pino; the schema's names are given below.
  serializers: { err: (error: unknown) => error },
  formatters: {
    level: (label) => ({ 'log.level': label }),
    log: ecsFields,
  },
});

/** pino's children do not inherit how the fields of a logger are named. */
function namingChildren(log: Logger): Logger {
  const child = log.child.bind(log);
  const named = (bindings: Record<string, unknown>, options?: ChildLoggerOptions): Logger =>
    namingChildren(child(ecsFields(bindings), options));
  return Object.assign(log, { child: named });
}
