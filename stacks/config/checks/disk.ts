/** A disk that takes no more, and a volume that is read-only. */
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import type { Stage } from '../../../scripts/scenario/scenario.ts';
import { boardIni } from '../lib/documents.ts';
import { adminPage } from '../../../scripts/lib/admin.ts';
import { fileIdentity, fileStatus, readiness } from '../lib/inside.ts';
import { BOARD, nextRelease, releaseOf, served, serverOf, type Must } from '../lib/pods.ts';

export function disk(must: Must): void {
  must(
    'write nothing by half on a full disk, say so, and go on when there is room',
    {
      say: 'The volume is full. The sidecar says so, the old file stays whole, and the change arrives once there is room.',
    },
    async (stage) => {
      const { project } = stage;
      const filler = '/etc/board/filler';
      await project
        .exec(BOARD.sidecar, ['bash', '-c', `head -c 2000000 /dev/zero > ${filler}`])
        .catch(() => 'it is full, as it should be');
      try {
        await isHeldBack(stage, 'ENOSPC', async () => {
          await project.exec(BOARD.sidecar, ['rm', filler]);
        });
      } finally {
        await project.exec(BOARD.sidecar, ['rm', '-f', filler]);
      }
      assert.is(
        await project.exec(BOARD.app, ['ls', '-A', '/etc/board']),
        'board.ini',
        'nothing is left beside the file',
      );
    },
  );

  must(
    'write nothing on a read-only volume, say so, and go on when it is writable',
    {
      say: 'The volume turns read-only. The same: the sidecar reports it, the old file stays whole, and the change arrives later.',
      needs: 'compose',
    },
    async (stage) => {
      const { project } = stage;
      const args = ['up', '--detach', '--no-deps', '--wait', BOARD.sidecar];
      await project.compose(['--file', 'compose.yaml', '--file', 'faults/read-only.yaml', ...args]);
      let writable = false;
      const repair = async (): Promise<void> => {
        await project.up();
        writable = true;
      };
      try {
        await isHeldBack(stage, 'EROFS', repair);
      } finally {
        if (!writable) await repair();
      }
    },
  );
}

/** A change is held back for a reason, nothing is touched, and it arrives after the repair. */
async function isHeldBack(stage: Stage, reason: string, repair: () => Promise<void>): Promise<void> {
  const { project } = stage;
  const server = await serverOf(stage);
  const [file, shown] = await Promise.all([fileIdentity(project, BOARD.app, BOARD.path), releaseOf(stage, BOARD)]);
  const release = nextRelease();
  await server.put(BOARD.key, boardIni({ release, filler: 400 }));
  const problem = await eventually('the sidecar says what is wrong', async () => {
    const { problem: said } = await fileStatus(project, BOARD.sidecar, BOARD.key);
    return said?.includes(reason) && said;
  });
  assert.is.not(await readiness(project, BOARD.sidecar), true, '/readyz');
  const metrics = (await adminPage(project, BOARD.sidecar, '/metrics')).body;
  assert.match(metrics, new RegExp(`config_storage_errors_total\\{reason="${reason}"\\} [1-9]`));
  assert.is(await fileIdentity(project, BOARD.app, BOARD.path), file, 'the file was not touched');
  assert.is(await releaseOf(stage, BOARD), shown);
  stage.say(problem);
  await repair();
  await served(stage, BOARD, release);
  await eventually('it is ready again', async () => (await readiness(project, BOARD.sidecar)) === true);
}
