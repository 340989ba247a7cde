/** Logs: JSON lines on stdout, for whoever collects a container's output. */
import { pino, type Logger } from 'pino';

export type { Logger } from 'pino';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

/**
 * A logger that writes `{"level":"info","time":"2026-…Z","sidecar":"tls","msg":…}` lines.
 * @param sidecar the sidecar's name, on every line
 * @param level the least level that is written
 */
export function createLog(sidecar: string, level: string): Logger {
  return pino({
    level,
    base: { sidecar },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  });
}
