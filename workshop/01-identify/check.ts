import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { identify } from '../../tools/identify/identify.ts';
import { ROOT } from '../../scripts/lib/stacks.ts';
import { exercise, field, need, word, yamlFile, type Check, type Stage } from '../lessons/exercise.ts';
import { why } from './why.ts';

/** What each service is; check.test.ts compares it with what `identify` says. */
export const KEY = {
  shop: { web: 'app', tls: 'sidecar', db: 'separate' },
  blog: { pause: 'pause', migrate: 'init', blog: 'app', logs: 'sidecar' },
  gateway: { proxy: 'separate', wiki: 'separate', chat: 'separate' },
  cache: { api: 'separate', redis: 'app', exporter: 'sidecar' },
  twins: { 'worker-a': 'separate', 'worker-b': 'separate' },
} as const;
type Name = keyof typeof KEY;

const given = (stage: Stage, ...path: readonly string[]): string =>
  word(field(yamlFile(stage, 'answer.yaml'), ...path));

const graded = (project: Name): Check => ({
  must: `name what each service of ${project} is`,
  look(stage) {
    const services = Object.entries(KEY[project]);
    const right = services.filter(([service, answer]) => given(stage, project, service) === answer).length;
    // What to think of has the project's name.
    need(right === services.length, why('right', { right, all: services.length, think: why(project) }));
  },
});

function chosenRepository(stage: Stage): void {
  const answer = yamlFile(stage, 'answer.yaml');
  const path = field(answer, 'repository', 'path');
  need(typeof path === 'string' && path !== '?' && path !== '', why('noRepository'));
  // As it was given to the tool, from the top of the repository; or from the learner's folder.
  const folder = [resolve(ROOT, path), resolve(stage.dir, path)].find((each) => existsSync(each));
  need(folder, why('nothingThere', { folder: resolve(ROOT, path) }));
  const { groups } = identify([folder], { base: stage.dir });
  const found = groups.flatMap(({ containers }) =>
    containers.filter((each) => each.class === 'sidecar' || each.class === 'native-sidecar').map(({ name }) => name),
  );
  need(found.length > 0, why('noSidecar'));
  const named = field(answer, 'repository', 'sidecars');
  const names = new Set(Array.isArray(named) ? named.map(String) : []);
  const right = found.filter((name) => names.has(name)).length;
  need(
    right === found.length && names.size === new Set(found).size,
    why('named', { right, all: found.length, given: names.size }),
  );
}

export default exercise({
  runs: false,
  checks: [
    ...(Object.keys(KEY) as Name[]).map(graded),
    { must: 'name the sidecars of a repository of your choice', look: chosenRepository },
  ],
});
