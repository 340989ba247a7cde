#!/usr/bin/env node
/**
 * The one entry to every program here: `node scripts/run.mjs COMMAND [ARGS…]`.
 *
 * The programs are TypeScript for Node 26, while their caller may have an older Node and an
 * empty node_modules. So this file is plain JavaScript for Node 20: it makes node_modules match the
 * lock file, then runs scripts/COMMAND.ts with Node 26, which npm brings as node_modules/.bin/node.
 */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import * as module from 'node:module';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { ensureNodeModules, linkNode, staleness } from './lib/node-modules.mjs';
import { sentenceOf } from './lib/sentence.mjs';

const NEEDED_NODE = 26;
const EXIT_USAGE = 2;

const scripts = dirname(fileURLToPath(import.meta.url));
const root = dirname(scripts);
const bin = join(root, 'node_modules', '.bin');

const [command = '', ...args] = process.argv.slice(2);
const program = join(scripts, `${command}.ts`);

if (!/^[a-z][a-z-]*$/.test(command) || !existsSync(program)) {
  console.error(`usage: node scripts/run.mjs COMMAND [ARGS…], COMMAND one of: ${commands().join(', ')}`);
  process.exit(EXIT_USAGE);
}
if (command === 'doctor') {
  // It changes nothing: what is not installed is a finding, and not a reason to install.
  const reason = staleness(root);
  if (reason !== undefined) {
    console.error(`  ✗ packages     ${reason}. Install them: npm ci (any other make target does it too)`);
    console.error(`  · Node         ${process.version}; ${NEEDED_NODE} comes with the packages`);
    process.exit(1);
  }
}
try {
  await ensureNodeModules(root, (line) => console.error(line));
  linkNode(root);
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
process.env.PATH = [bin, ...(process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== bin)].join(
  delimiter,
);

if (Number(process.versions.node.split('.')[0]) >= NEEDED_NODE) {
  // Compiled once and kept: half of a program's start would be compiling. Children take it from the environment.
  process.env.NODE_COMPILE_CACHE ??= join(root, '.cache', 'node');
  module.enableCompileCache(process.env.NODE_COMPILE_CACHE);
  // In this process: a signal then reaches the program itself, with nobody in between.
  process.argv = [process.argv[0] ?? 'node', program, ...args];
  process.on('uncaughtException', (error) => {
    const sentence = sentenceOf(error);
    console.error(sentence === undefined ? error : `${command}: ${sentence}`);
    process.exit(1);
  });
  await import(pathToFileURL(program).href);
} else {
  runWithNewerNode();
}

function runWithNewerNode() {
  const node = join(bin, 'node');
  if (!existsSync(node)) {
    console.error(
      `Node ${NEEDED_NODE} is needed, this is ${process.version}, and npm has none for ${process.platform}-${process.arch}: ` +
        "install it from https://nodejs.org, or drop --omit=optional from npm's settings",
    );
    process.exit(1);
  }
  const child = spawn(node, [fileURLToPath(import.meta.url), command, ...args], { stdio: 'inherit' });
  // A terminal sends its Ctrl-C to the child as well; passing it on would make it two, which forces exit.
  const onTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  process.on('SIGINT', () => {
    if (!onTerminal) child.kill('SIGINT');
  });
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    console.error(`${node}: ${error.message}`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
}

function commands() {
  return readdirSync(scripts)
    .filter((name) => /^[a-z][a-z-]*\.ts$/.test(name))
    .map((name) => name.slice(0, -'.ts'.length))
    .sort();
}
