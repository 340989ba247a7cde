#!/usr/bin/env node
// Plain JavaScript: in a package that was installed from git the rest may not have been built.
import { existsSync } from 'node:fs';

const program = new URL('dist/sidecar-stacks.mjs', import.meta.url);
if (existsSync(program)) await import(program.href);
else {
  console.error(
    'sidecar-stacks was installed without being built: npm ran no script of it (prepare).\n' +
      'Allow it and install again (npm install-scripts approve sidecar-stacks), or install from a file:\n' +
      'clone the repository, npm ci && npm run package, npm install FILE.',
  );
  process.exitCode = 1;
}
