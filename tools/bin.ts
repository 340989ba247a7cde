#!/usr/bin/env node
/** The package's `bin`. */
import { main } from './main.ts';
import { ofThisProcess } from './command/command.ts';

process.exitCode = await main(process.argv.slice(2), ofThisProcess());
