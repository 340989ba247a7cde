/** What the config stack must do, seen from outside and from inside its containers. */
import * as assert from 'uvu/assert';
import { scenario } from '../../scripts/scenario/scenario.ts';
import { access } from './checks/access.ts';
import { changes } from './checks/changes.ts';
import { disk } from './checks/disk.ts';
import { etcd } from './checks/etcd.ts';
import { kills } from './checks/kills.ts';
import { network } from './checks/network.ts';
import { etcdGoesAway, serverGoesAway, serverIsBack } from './checks/outage.ts';
import { burst, readers } from './checks/pace.ts';
import { refusals } from './checks/refusals.ts';
import { lasting } from '../../scripts/lib/lasting.ts';
import { BOARD, KIOSK } from './lib/pods.ts';
import { together } from './lib/together.ts';

const { must, run } = scenario(import.meta.url);

changes(must);
refusals(must);
access(must);

burst(
  must,
  BOARD,
  'Somebody changes the board 200 times in a second. It is told a few times, and ends on the last one.',
);
readers(must, BOARD, 'A thousand changes of a large file, while a reader reads it in a loop.');
network(must);
disk(must);
together(must, [
  kills(
    BOARD,
    ['good', 'choking', 'broken', 'good', 'choking', 'good'],
    'The sidecars are killed at random moments: before, while and after they replace the file.',
  ),
  kills(KIOSK, ['good', 'choking', 'good', 'broken'], 'That of the kiosk, whose source is etcd, meanwhile.'),
]);

serverGoesAway(must);
etcd(must);
burst(must, KIOSK, 'The 200 changes again, with etcd.');
readers(must, KIOSK, 'And the thousand.');
etcdGoesAway(must);
serverIsBack(must);

must(
  'change nothing at a second `docker compose up`',
  { say: 'Bringing the stack up a second time changes nothing.', needs: 'compose' },
  async ({ project }) => {
    const before = await lasting(project);
    assert.is(before.length, 15);
    await project.up();
    assert.equal(await lasting(project), before);
  },
);

run();
