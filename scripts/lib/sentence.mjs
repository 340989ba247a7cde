// Plain JavaScript, because run.mjs needs it before anything is installed.

/** Codes of a full disk or quota, and of a place that cannot be written (errno(3)). */
const FULL = new Set(['ENOSPC', 'EDQUOT']);
const CLOSED = new Set(['EROFS', 'EACCES', 'EPERM']);

/**
 * What a user can do something about, in a sentence.
 * @param {any} error whatever a program threw
 * @returns {string | undefined} undefined for a mistake of the program, whose stack says more
 */
export function sentenceOf(error) {
  const { code, path, name, message, err } = error ?? {};
  if (FULL.has(code))
    return `No space is left on the device${path === undefined ? '' : ` (${path})`}: docker system prune and make clean free some.`;
  if (CLOSED.has(code) && path !== undefined) return `${path} cannot be written or read here (${code}).`;
  if (name === 'EngineError') return `${message}\nmake doctor says what this machine lacks.`;
  // docker-compose rejects with a plain object.
  if (!(error instanceof Error) && typeof err === 'string')
    return `docker compose failed: ${err.trim().split('\n').at(-1)}`;
  return undefined;
}
