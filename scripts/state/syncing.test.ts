/** What brings files, and what ships them, starts whatever has become of its state. */
import { join } from 'node:path';
import { test } from 'uvu';
import { freePort } from '#kit/testing/ports.ts';
import { serve } from '#kit/testing/server.ts';
import { TestRepository } from '../../sidecars/git-sync/src/test-repository.ts';
import { file, testStarts, top } from './starts.ts';

const source = await serve((_incoming, response) => response.writeHead(200, { ETag: '"1"' }).end('{"a": 1}'));
const repository = new TestRepository();
repository.commit({ a: '1' });

testStarts({
  'config-sync': {
    main: 'sidecars/config-sync/src/main.ts',
    env: async (state) => ({
      CONFIG_URL: `http://127.0.0.1:${source.port}/`,
      CONFIG_FILES: `a.json=${join(top, 'a.json')}`,
      CONFIG_STATE_DIR: state,
    }),
    fill: async (program) => await program.answers('/readyz', 200),
    keeps: [/journal\.json$/, /good-/],
    counted: 'config_state_damaged_total{kind="journal"}',
  },
  'git-sync': {
    main: 'sidecars/git-sync/src/main.ts',
    env: async (state) => ({ GITSYNC_ROOT: state, GITSYNC_REPO: repository.url }),
    fill: async (program) => await program.answers('/readyz', 200),
    keeps: [/./],
    counted: 'git_sync_recoveries_total{what="state"}',
  },
  'log-shipper': {
    main: 'sidecars/log-shipper/src/main.ts',
    env: async (state) => ({
      FILE_PATHS: file('a.log', 'one\ntwo\n'),
      STORE_URL: `http://127.0.0.1:${await freePort()}`,
      // Nobody takes its lines.
      SHUTDOWN_TIMEOUT: '100ms',
      STATE_DIR: state,
      SPOOL_DIR: join(state, 'spool'),
      DEAD_LETTER_DIR: join(state, 'dead'),
    }),
    keeps: [/^registry$/],
    counted: 'shipper_state_damaged_total',
  },
});

test.run();
