/** The sidecar is killed at random moments of its loop. */
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import type { Stage } from '../../../scripts/scenario/scenario.ts';
import { boardIni, brokenIni } from '../lib/documents.ts';
import { nextRelease, served, settled, type Must, type Pod } from '../lib/pods.ts';

type Kind = 'good' | 'broken' | 'choking';

/** How long after the change the kill comes at most, in milliseconds: about as long as the loop takes. */
const SPAN: Readonly<Record<Kind, number>> = { good: 250, broken: 100, choking: 3500 };
/** The engine takes about so long to kill, in milliseconds. */
const HEAD_START = 100;

/** @param kinds what is changed in each round */
export function kills(pod: Pod, kinds: readonly Kind[], say: string): Parameters<Must> {
  return [
    `never leave ${pod.app} on an unvalidated file, whenever its sidecar is killed`,
    { say, within: 150_000 },
    async (stage) => {
      const truth = await pod.truth(stage);
      let good = boardIni({ release: nextRelease() });
      await settled(stage, pod, await truth.put(pod.key, good));
      const moments: string[] = [];
      for (const kind of kinds) {
        const release = nextRelease();
        const content = contentOf(kind, release);
        const delay = Math.random() * (SPAN[kind] + HEAD_START) - HEAD_START;
        const [version] = await Promise.all([
          after(-delay, () => truth.put(pod.key, content)),
          after(delay, () => stage.project.kill(pod.sidecar)),
        ]);
        // Nobody writes now.
        const left = await fileOf(stage, pod);
        assert.ok(left === good || (left === content && kind !== 'broken'), `after a kill: ${left}`);
        if (kind === 'choking' && left === content) moments.push('on trial');
        else moments.push(left === content ? 'published' : 'before');
        await stage.project.launch(pod.sidecar);
        const { verified } = await settled(stage, pod, version);
        if (kind === 'good') good = content;
        assert.is(verified?.version === version, kind === 'good', `version ${version}, ${kind}`);
        await eventually('the file is the good one', async () => (await fileOf(stage, pod)) === good);
        await served(stage, pod, releaseIn(good));
      }
      stage.say(`${kinds.length} kills; the file was left: ${moments.join(', ')}`);
    },
  ];
}

function contentOf(kind: Kind, release: number): string {
  if (kind === 'broken') return brokenIni(release);
  return boardIni({ release, workers: kind === 'choking' ? 0 : 4 });
}

const releaseIn = (content: string): number => Number(/^release = (\d+)$/m.exec(content)![1]);

/** What the application would read, the final newline that exec cuts put back. */
const fileOf = async ({ project }: Stage, { app, path }: Pod): Promise<string> =>
  `${await project.exec(app, ['cat', path])}\n`;

async function after<T>(milliseconds: number, act: () => Promise<T>): Promise<T> {
  if (milliseconds > 0) await new Promise((resolve) => setTimeout(resolve, milliseconds));
  return act();
}
