import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { identify } from '../../tools/identify/identify.ts';
import { ROOT } from '../../scripts/lib/stacks.ts';
import { exercise, field, need, word, yamlFile, type Check, type Stage } from '../lessons/exercise.ts';

/** What each service is; check.test.ts compares it with what `identify` says. */
export const KEY: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  shop: { web: 'app', tls: 'sidecar', db: 'separate' },
  blog: { pause: 'pause', migrate: 'init', blog: 'app', logs: 'sidecar' },
  gateway: { proxy: 'separate', wiki: 'separate', chat: 'separate' },
  cache: { api: 'separate', redis: 'app', exporter: 'sidecar' },
  twins: { 'worker-a': 'separate', 'worker-b': 'separate' },
};

/** What to think of, where an answer is wrong. */
const THINK: Readonly<Record<string, string>> = {
  shop: 'who shares a network namespace with whom, and who is only reached by it?',
  blog: 'who ends, who owns the ports, and who is the reason that the others are there?',
  gateway: 'a proxy before several applications: whose network does it share?',
  cache: 'depends_on says an order. What says that something is shared?',
  twins: 'two that do the same: does one help the other?',
};

const given = (stage: Stage, ...path: readonly string[]): string =>
  word(field(yamlFile(stage, 'answer.yaml'), ...path));

const graded = (project: string): Check => ({
  must: `name what each service of ${project} is`,
  look(stage) {
    const services = Object.entries(KEY[project]!);
    const right = services.filter(([service, answer]) => given(stage, project, service) === answer).length;
    need(right === services.length, `${right} of ${services.length} are right: ${THINK[project]}`);
  },
});

function chosenRepository(stage: Stage): void {
  const answer = yamlFile(stage, 'answer.yaml');
  const path = field(answer, 'repository', 'path');
  need(typeof path === 'string' && path !== '?' && path !== '', 'no repository is named');
  // As it was given to the tool, from the top of the repository; or from the learner's folder.
  const folder = [resolve(ROOT, path), resolve(stage.dir, path)].find((each) => existsSync(each));
  need(folder, `there is nothing at ${resolve(ROOT, path)}`);
  const { groups } = identify([folder], { base: stage.dir });
  const found = groups.flatMap(({ containers }) =>
    containers.filter((each) => each.class === 'sidecar' || each.class === 'native-sidecar').map(({ name }) => name),
  );
  need(found.length > 0, 'identify finds no sidecar there; choose one that has some');
  const named = field(answer, 'repository', 'sidecars');
  const names = new Set(Array.isArray(named) ? named.map(String) : []);
  const right = found.filter((name) => names.has(name)).length;
  need(
    right === found.length && names.size === new Set(found).size,
    `${right} of ${found.length} sidecars are named, and ${names.size} names are given`,
  );
}

export default exercise({
  runs: false,
  checks: [
    ...Object.keys(KEY).map(graded),
    { must: 'name the sidecars of a repository of your choice', look: chosenRepository },
  ],
});
