#!/usr/bin/env node
/** The package's `bin`. */
import { main } from './main.ts';

process.exitCode = await main(process.argv.slice(2), {
  folder: process.cwd(),
  environment: process.env,
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
});
