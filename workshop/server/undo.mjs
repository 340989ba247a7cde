/**
 * undo.mjs SECONDS COMMANDS NOTE: takes a fault back, SECONDS after its input has ended. COMMANDS is JSON, a list of lists
 * of arguments of docker; NOTE is a file that says so as well, until it is done.
 * A process of its own, so that it does so whatever becomes of the server; plain JavaScript, so that it starts at once.
 */
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';

const [seconds, commands, note] = process.argv.slice(2);
// A terminal's Ctrl-C is for the server.
for (const signal of ['SIGINT', 'SIGHUP', 'SIGTERM']) process.on(signal, () => {});
/** An engine that restarts is waited for, in milliseconds between two looks, and so often. */
const AGAIN = 2000;
const LOOKS = 60;

const engineAnswers = () => spawnSync('docker', ['version'], { stdio: 'ignore', timeout: 10_000 }).status === 0;

function takeBack(looks) {
  if (looks > 0 && !engineAnswers()) return void setTimeout(takeBack, AGAIN, looks - 1);
  for (const args of JSON.parse(commands)) spawnSync('docker', args, { stdio: 'ignore', timeout: 120_000 });
  rmSync(note, { force: true });
}

process.stdin.resume().once('close', () => setTimeout(takeBack, Number(seconds) * 1000, LOOKS));
