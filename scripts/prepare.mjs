/**
 * npm calls it after an install here, before it packs this folder, and in a clone that it made for
 * `npm install git+…`. Plain JavaScript for Node 20.
 */
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const scripts = dirname(fileURLToPath(import.meta.url));
if (process.argv[2] === 'pack') {
  console.error('npm run package makes the package: packed from here, it would bring Node along, 211 MB.');
  process.exit(1);
}
// npm (pacote) sets it while it installs a clone that it made.
if (process.env._PACOTE_NO_PREPARE_ !== undefined) {
  const { status } = spawnSync(process.execPath, [join(scripts, 'run.mjs'), 'package', '--here'], { stdio: 'inherit' });
  if (status !== 0) console.error('sidecar-stacks could not be built from git: clone it, npm ci, npm run package');
  process.exit(status ?? 1);
}
