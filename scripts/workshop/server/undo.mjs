/**
 * undo.mjs SECONDS COMMANDS: after a while, takes a fault back. COMMANDS is JSON, a list of lists of arguments of docker.
 * A process of its own, so that it does so whatever becomes of the server; plain JavaScript, so that it starts at once.
 */
import { spawnSync } from 'node:child_process';

const [seconds, commands] = process.argv.slice(2);
// A terminal's Ctrl-C is for the server.
for (const signal of ['SIGINT', 'SIGHUP', 'SIGTERM']) process.on(signal, () => {});
setTimeout(
  () => {
    for (const args of JSON.parse(commands)) spawnSync('docker', args, { stdio: 'ignore', timeout: 120_000 });
  },
  Number(seconds) * 1000,
);
