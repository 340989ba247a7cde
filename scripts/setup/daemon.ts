import {spawn} from 'node:child_process';
import {existsSync, openSync, readFileSync} from 'node:fs';
import {readFile} from 'node:fs/promises';
import {setTimeout as pause} from 'node:timers/promises';
import {lastLines, run} from '../lib/run.ts';
import type {Endpoint} from './endpoint.ts';
import {askEngine, findProgram} from './engine-facts.ts';
import {SetupError} from './setup-error.ts';
import type {System} from './system.ts';

/** Where dockerd writes when no service manager keeps its log. */
export const DAEMON_LOG = '/var/log/dockerd.log';

const PID_FILE = '/var/run/docker.pid';

/** Milliseconds for a daemon to answer; about 3 s is usual, a slow disk's first start takes longer. */
const START_MS = 60_000;

/** Milliseconds between two looks. */
const LOOK_MS = 100;

/**
 * Starts the installed daemon and waits until it answers: by systemd where that runs, otherwise as
 * a process of its own session, which holds no descriptor of ours.
 * A daemon that a package's own script has just started is waited for instead.
 * Throws SetupError with the daemon's last words when it does not answer in time, or at once when it exits.
 */
export async function startDaemon(system: System, endpoint: Endpoint, signal?: AbortSignal): Promise<void> {
  let exited = () => false;
  if (system.systemd) {
    const started = await run('systemctl', ['enable', '--now', 'docker'], {
      timeoutMs: START_MS,
      ...(signal ? {signal} : {}),
    });
    signal?.throwIfAborted();
    if (started.exitCode !== 0) {
      throw new SetupError('failed', 'systemd could not start the container engine:', [
        ...lastLines(started.stderr, 3),
        ...(await lastWords(system)),
      ]);
    }
  } else if (!isRunning()) {
    exited = spawnDaemon();
  }
  const deadline = Date.now() + START_MS;
  while ((await askEngine(endpoint, true, signal)).state !== 'up') {
    signal?.throwIfAborted();
    if (exited() || Date.now() > deadline) {
      const what = exited() ? 'exited at once' : `does not answer after ${START_MS / 1000} s`;
      throw new SetupError('failed', `The container engine ${what}. Its last words:`, await lastWords(system));
    }
    await pause(LOOK_MS);
  }
}

/** Starts dockerd; returns a function that tells whether it has exited. */
function spawnDaemon(): () => boolean {
  const program = findProgram('dockerd') ?? 'dockerd';
  const log = openSync(DAEMON_LOG, 'a', 0o640);
  let gone = false;
  const child = spawn(program, [], {
    cwd: '/',
    detached: true,
    stdio: ['ignore', log, log],
    // It calls iptables and runc, which a user's PATH may not have.
    env: {...process.env, PATH: `${process.env.PATH ?? ''}:/usr/sbin:/usr/bin:/sbin:/bin`},
  });
  child.on('exit', () => (gone = true));
  child.on('error', () => (gone = true));
  child.unref();
  return () => gone;
}

/** True when a dockerd that wrote its pid file is alive. */
function isRunning(): boolean {
  try {
    const pid = readFileSync(PID_FILE, 'utf8').trim();
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'dockerd';
  } catch {
    return false;
  }
}

async function lastWords(system: System): Promise<string[]> {
  if (system.systemd) {
    const journal = await run('journalctl', ['-u', 'docker', '-n', '10', '--no-pager', '-o', 'cat'], {timeoutMs: 5_000});
    return lastLines(journal.stdout, 10);
  }
  return existsSync(DAEMON_LOG) ? lastLines(await readFile(DAEMON_LOG, 'utf8'), 10) : [];
}
