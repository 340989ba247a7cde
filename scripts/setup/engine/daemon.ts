import { spawn } from 'node:child_process';
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { lastLines, run } from '../../lib/run.ts';
import type { Endpoint } from '../../lib/endpoint.ts';
import { askEngine, findDaemon } from './facts.ts';
import { noteChanges, startOf } from '../changes/record.ts';
import { SetupError } from '../lib/setup-error.ts';
import type { System } from './system.ts';

/** Where dockerd writes when no service manager keeps its log. */
export const DAEMON_LOG = '/var/log/dockerd.log';

const PID_FILE = '/var/run/docker.pid';

/** Milliseconds for a daemon to answer; about 3 s is usual, a slow disk's first start takes longer. */
const START_MS = 60_000;

/** How many lines of its log are shown when it fails. */
const WORDS = 10;

/** Milliseconds between two looks. */
const LOOK_MS = 100;

/**
 * Starts the installed daemon and waits until it answers: by systemd where that runs, otherwise as
 * a process of its own session, which holds no descriptor of ours.
 * A daemon that a package's own script has just started is waited for instead.
 * Throws SetupError with the daemon's last words when it does not answer in time, or at once when it exits.
 */
export async function startDaemon(system: System, endpoint: Endpoint, signal?: AbortSignal): Promise<void> {
  const started = system.systemd ? await startService(signal) : spawnDaemon();
  const deadline = Date.now() + START_MS;
  while ((await askEngine(endpoint, true, signal)).state !== 'up') {
    signal?.throwIfAborted();
    const gone = started.exited() && !isRunning();
    if (gone || Date.now() > deadline) {
      const what = gone ? 'exited at once' : `does not answer after ${START_MS / 1000} s`;
      throw new SetupError('failed', `The container engine ${what}. Its last words:`, await started.lastWords());
    }
    await pause(LOOK_MS);
  }
}

/** A daemon that has been told to start. */
interface Started {
  exited: () => boolean;
  lastWords: () => Promise<string[]>;
}

async function startService(signal?: AbortSignal): Promise<Started> {
  const lastWords = async () => {
    const args = ['-u', 'docker', '-n', `${WORDS}`, '--no-pager', '-o', 'cat'];
    return lastLines((await run('journalctl', args, { timeoutMs: 5_000 })).stdout, WORDS);
  };
  const { stdout } = await run('systemctl', ['is-enabled', 'docker'], { timeoutMs: 5_000, signal });
  if (stdout.trim() !== 'enabled') noteChanges({ enabled: true });
  const { exitCode, stderr } = await run('systemctl', ['enable', '--now', 'docker'], { timeoutMs: START_MS, signal });
  signal?.throwIfAborted();
  if (exitCode !== 0) {
    const words = [...lastLines(stderr, 3), ...(await lastWords())];
    throw new SetupError('failed', 'systemd could not start the container engine:', words);
  }
  return { exited: () => false, lastWords };
}

/** Starts dockerd, unless one is on its way already. */
function spawnDaemon(): Started {
  const log = openSync(DAEMON_LOG, 'a+', 0o640);
  // Earlier runs have written there too.
  const begin = fstatSync(log).size;
  const lastWords = () => Promise.resolve(lastLines(readFileSync(DAEMON_LOG).subarray(begin).toString(), WORDS));
  let gone = false;
  if (!isRunning()) {
    const child = spawn(findDaemon() ?? 'dockerd', [], {
      cwd: '/',
      detached: true,
      stdio: ['ignore', log, log],
      // It calls iptables and runc, which a user's PATH may not have.
      env: { ...process.env, PATH: `${process.env.PATH ?? ''}:/usr/sbin:/usr/bin:/sbin:/bin` },
    });
    child.on('exit', () => (gone = true));
    child.on('error', () => (gone = true));
    child.unref();
    const started = child.pid === undefined ? undefined : startOf(child.pid);
    if (child.pid !== undefined && started !== undefined) noteChanges({ daemon: { pid: child.pid, started } });
  }
  closeSync(log);
  return { exited: () => gone, lastWords };
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
