/** heal on an engine that refuses: what is said, and what compose is asked for. */
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { main } from '../main.ts';

const test = suite('heal: an engine that refuses');

const container = (Id: string, service: string, NetworkMode: string, Error: string): unknown => ({
  Id,
  Name: `/p-${service}-1`,
  State: { Running: false, StartedAt: '2026-01-01T00:00:00Z', FinishedAt: '2026-01-02T00:00:00Z', Error },
  Config: {
    Labels: {
      'com.docker.compose.service': service,
      'com.docker.compose.project': 'p',
      'com.docker.compose.project.working_dir': '/where/p/is',
      'com.docker.compose.project.config_files': '/where/p/is/compose.yaml,/where/p/is/compose.sidecars.yaml',
      'com.docker.compose.config-hash': 'as-it-was',
    },
  },
  HostConfig: { NetworkMode, RestartPolicy: { Name: 'always' } },
});
const LEFT = [container('a', 'pod', 'p_default', ''), container('b', 'web', 'container:a', 'cannot join network')];

/** In place of docker: it starts nothing, and notes what it is asked for. */
const DOCKER = `#!/usr/bin/env node
const args = process.argv.slice(2);
require('node:fs').appendFileSync(__dirname + '/called', args.join(' ') + '\\n');
if (args[0] === 'ps') console.log('a\\nb');
else if (args[0] === 'inspect') console.log(${JSON.stringify(JSON.stringify(LEFT))});
else if (args.includes('--hash')) console.log(args.at(-1) + ' ' + process.env.HASH);
else if (args.includes('config')) console.log('{"name":"p"}');
else if (args[0] !== 'compose') { console.error('Error response from daemon: file exists\\nError: failed'); process.exit(1); }
`;

interface Healed {
  readonly code: number;
  readonly said: string;
  /** Services that were made anew, and all that docker was asked for. */
  readonly ups: string[];
  readonly called: string;
}

async function heal(...args: string[]): Promise<Healed> {
  const folder = temporaryDirectory('heal');
  writeFileSync(join(folder, 'package.json'), '{"type": "commonjs"}');
  writeFileSync(join(folder, 'compose.yaml'), 'services: { web: { image: x } }');
  writeFileSync(join(folder, 'docker'), DOCKER);
  chmodSync(join(folder, 'docker'), 0o755);
  let said = '';
  const path = process.env['PATH'];
  process.env['PATH'] = `${folder}:${path}`;
  try {
    const code = await main(['heal', ...args], {
      folder,
      environment: process.env,
      out: (text) => void (said += text),
      err: (text) => void (said += text),
    });
    const called = readFileSync(join(folder, 'called'), 'utf8');
    return { code, said, ups: called.match(/(?<= --force-recreate ).*/g) ?? [], called };
  } finally {
    process.env['PATH'] = path;
  }
}

test('what the engine starts no more is made anew, the pod before its member', async () => {
  const { code, said, ups } = await heal();
  assert.is(code, 0, said);
  assert.equal(ups, ['pod', 'web']);
  assert.match(said, 'recreate p-pod-1: Error response from daemon: file exists');
});

test('of other projects it is made by the files that its labels name, as it was', async () => {
  process.env['HASH'] = 'as-it-was';
  const { code, said, ups, called } = await heal('--all');
  assert.is(code, 0, said);
  assert.equal(ups, ['pod', 'web']);
  assert.match(
    called,
    '--project-directory=/where/p/is --file /where/p/is/compose.yaml --file /where/p/is/compose.sidecars.yaml up',
  );
});

test('where it would become another one it is said where to do it', async () => {
  process.env['HASH'] = 'another';
  const { code, said, ups } = await heal('--all');
  assert.equal([code, ups], [1, []]);
  assert.match(
    said,
    'not done: its configuration is not what it was made by; in the folder of p: npx sidecar-stacks heal',
  );
});

test.run();
