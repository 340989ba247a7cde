import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { exercise, need, type Stage } from '../lessons/exercise.ts';
import { exportProject, type Exported } from '../../tools/export/export.ts';
import { identify } from '../../tools/identify/identify.ts';

const MANIFESTS = 'kubernetes/base';

function exported({ dir }: Stage): Exported {
  const result = exportProject([join(dir, 'compose.yaml')], {
    base: dir,
    environment: {},
    style: 'native',
    bare: false,
  });
  const refused = result.findings.find(({ level }) => level === 'refused');
  need(refused === undefined, `compose.yaml:${refused?.at.line}: ${refused?.message}`);
  return result;
}

/** Whatever stands in the manifests must come from the compose file, which stays the one truth. */
function written(stage: Stage): void {
  for (const { path, text } of exported(stage).files.filter((file) => !file.yours)) {
    const file = join(stage.dir, 'kubernetes', path);
    need(existsSync(file), `kubernetes/${path} is not there yet`);
    need(readFileSync(file, 'utf8') === text, `kubernetes/${path} is not what compose.yaml says`);
  }
}

function native(stage: Stage): void {
  need(existsSync(join(stage.dir, MANIFESTS)), `${MANIFESTS} is not there yet`);
  const members = identify([join(stage.dir, MANIFESTS)], { base: stage.dir }).groups.flatMap(
    ({ containers }) => containers,
  );
  const seen = new Map(members.map(({ name, class: kind }) => [name, kind]));
  for (const sidecar of ['tls', 'watcher'])
    need(
      seen.get(sidecar) === 'native-sidecar',
      `${sidecar} is ${seen.get(sidecar) ?? 'not there'}, and no native sidecar`,
    );
  need(seen.get('shop') === 'app', `shop is ${seen.get('shop') ?? 'not there'}`);
  need(members.length === 3, 'something else is in the pod, or one of the three is not');
}

export default exercise({
  runs: false,
  checks: [
    { must: 'be a project that Kubernetes can run', look: (stage) => void exported(stage) },
    { must: 'have manifests that say what compose.yaml says', look: written },
    { must: 'start both sidecars before the shop, as native sidecars', look: native },
  ],
});
