import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

// Plain JavaScript, because run.mjs needs it under a Node that reads no TypeScript.

/** Milliseconds between two looks at a lock that somebody else holds. */
const LOOK_MS = 200;

/**
 * Does `work` while no other process does work under the same lock file, which holds its owner's
 * process id; the lock of a process that is gone does not count.
 * @template T
 * @param {string} path
 * @param {() => Promise<T>} work
 * @param {{onWait?: () => void, signal?: AbortSignal}} [options] `onWait` is called once when it has to wait
 * @returns {Promise<T>}
 */
export async function withLock(path, work, { onWait, signal } = {}) {
  mkdirSync(dirname(path), { recursive: true });
  let waited = false;
  while (!acquire(path)) {
    signal?.throwIfAborted();
    if (!waited) onWait?.();
    waited = true;
    await pause(LOOK_MS);
  }
  const release = () => rmSync(path, { force: true });
  process.once('exit', release);
  try {
    return await work();
  } finally {
    process.off('exit', release);
    release();
  }
}

/** @param {string} path */
function acquire(path) {
  // Linked into place, so that a lock is never there without its owner's id in it.
  const own = `${path}.${process.pid}`;
  writeFileSync(own, String(process.pid));
  try {
    linkSync(own, path);
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  } finally {
    rmSync(own, { force: true });
  }
  if (!ownerIsGone(path)) return false;
  rmSync(path, { force: true });
  return acquire(path);
}

/** @param {string} path */
function ownerIsGone(path) {
  try {
    process.kill(Number(readFileSync(path, 'utf8')), 0);
    return false;
  } catch (error) {
    return error.code === 'ESRCH';
  }
}
