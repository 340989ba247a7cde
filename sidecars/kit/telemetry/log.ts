/** Logs: JSON lines on stdout, for whoever collects a container's output; it holds nobody up when nobody does. */
import { pino, type Logger } from 'pino';
import { standardOutput } from './output.ts';

export type { Logger } from 'pino';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

/**
 * A logger that writes `{"level":"info","time":"2026-…Z","sidecar":"tls","msg":…}` lines.
 * @param sidecar the sidecar's name, on every line
 * @param level the least level that is written
 */
export function createLog(sidecar: string, level: string): Logger {
  const output = standardOutput();
  const options = {
    level,
    base: { sidecar },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  const log = pino(options, output);
  output.onLost = (lost) => log.warn({ lost }, 'nobody read the log: lines were lost');
  return log;
}
