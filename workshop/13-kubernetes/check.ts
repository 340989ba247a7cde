import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Reason } from '../languages/reasons.ts';
import { exercise, need, type Stage } from '../lessons/exercise.ts';
import { exportProject, type Exported } from '../../tools/export/export.ts';
import { identify } from '../../tools/identify/identify.ts';
import { why } from './why.ts';

const MANIFESTS = 'kubernetes/base';

function exported({ dir }: Stage): Exported {
  const result = exportProject([join(dir, 'compose.yaml')], {
    base: dir,
    environment: {},
    style: 'native',
    bare: false,
  });
  const refused = result.findings.find(({ level }) => level === 'refused');
  need(refused === undefined, why('refused', { line: refused?.at.line, message: refused?.message }));
  return result;
}

/** Whatever stands in the manifests must come from the compose file, which stays the one truth. */
function written(stage: Stage): void {
  for (const { path, text } of exported(stage).files.filter((file) => !file.yours)) {
    const file = join(stage.dir, 'kubernetes', path);
    need(existsSync(file), why('notThere', { file: `kubernetes/${path}` }));
    need(readFileSync(file, 'utf8') === text, why('otherText', { file: `kubernetes/${path}` }));
  }
}

function native(stage: Stage): void {
  need(existsSync(join(stage.dir, MANIFESTS)), why('notThere', { file: MANIFESTS }));
  const members = identify([join(stage.dir, MANIFESTS)], { base: stage.dir }).groups.flatMap(
    ({ containers }) => containers,
  );
  const seen = new Map(members.map(({ name, class: kind }) => [name, kind]));
  const found = (name: string): string | Reason => seen.get(name) ?? why('absent');
  for (const name of ['tls', 'watcher'])
    need(found(name) === 'native-sidecar', why('notNative', { name, found: found(name) }));
  need(found('shop') === 'app', why('notTheApp', { found: found('shop') }));
  need(members.length === 3, why('otherMembers'));
}

export default exercise({
  runs: false,
  checks: [
    { must: 'be a project that Kubernetes can run', look: (stage) => void exported(stage) },
    { must: 'have manifests that say what compose.yaml says', look: written },
    { must: 'start both sidecars before the shop, as native sidecars', look: native },
  ],
});
