/** `up`, `down`, `ps` and `logs`: a project with the sidecars that its compose file asks for. */
import { suggestion } from '#kit/text/suggestion.ts';
import { EXIT_OK, Usage } from '../command/command.ts';
import { Refusal } from '../bundled/refusal.ts';
import { checkCompose } from '../inject/compose-version.ts';
import { showDiff } from '../inject/diff.ts';
import { INJECTED } from '../inject/files.ts';
import { COPIES } from '../inject/project-files.ts';
import { apply, type Plan } from '../inject/inject.ts';
import { entries, get, parseTrees, YamlError } from '../yaml/tree.ts';
import { command, commandLine, PROJECT, targetOf } from './common.ts';
import { Compose } from './engine.ts';
import { planUp, type UpPlan } from './plan.ts';
import { requireSamePublished } from './published.ts';
import { membersOf, meshLines, podLines, reachLines, routeLines, type Running } from './report.ts';

/** `web=3`. @throws {Usage} */
const scaleOf = (said: readonly string[]): Record<string, number> =>
  Object.fromEntries(
    said.map((each) => {
      const found = /^([^=]+)=([1-9]\d?)$/.exec(each);
      if (!found) throw new Usage(`--scale takes SERVICE=N with N from 1 to 99, not "${each}"`);
      return [found[1]!, Number(found[2])];
    }),
  );

const UP = `Bring a compose project up with the sidecars that its services ask for:

  services:
    web:
      image: acme/shop
      ports: ["8080:80"]
      x-sidecars: [tls]        # plain docker compose takes no notice of it

What they need is written to compose.sidecars.yaml; your files stay as they are.
A published port leads to the first sidecar instead of the application.

usage: sidecar-stacks up [OPTION…] [SERVICE…]

${PROJECT}      --build              build images of the project anew
      --mesh[=observe]     a mesh of all services (x-mesh: true in the file);
                           observe: counts, and changes nothing
      --dashboard          the mesh in a browser
      --scale SERVICE=N    pods of a service (default: its replicas)
      --dry-run            say what would be done, and do nothing
      --diff               show what would be written, and write nothing

x-sidecars takes a list, or a map with parameters:

  x-sidecars: [tls, auth]
  x-sidecars: { tls: { TLS_MIN_VERSION: "1.3" }, topz: {}, keep-open: true }
  x-sidecars: { mesh: false }   # with x-mesh: true at the top of the file
  x-sidecars: pod         # a network that outlives the container, no sidecar

sidecar-stacks inject SIDECAR --help lists the parameters of one. A parameter
that is a path takes a secret or config of the project by its name, or a file of
it (./rules.yaml). A secret or config called like a parameter (auth_htpasswd for
AUTH_HTPASSWD_FILE) is taken without being named.

exit code: 0, 1 for what cannot be done, with the reason, 2 for a wrong command
line; else that of docker compose
`;

export const upCommand = command(
  'bring a project up with the sidecars that it asks for',
  UP,
  'Not brought up',
  async (args, context) => {
    const flag = { type: 'boolean', default: false } as const;
    const said = args.map((each) => (each === '--mesh' ? '--mesh=on' : each));
    const { values, positionals } = commandLine(said, {
      build: flag,
      dashboard: flag,
      mesh: { type: 'string' },
      'dry-run': flag,
      diff: flag,
      scale: { type: 'string', multiple: true },
    });
    const scale = scaleOf(values.scale ?? []);
    const { mesh, dashboard } = values;
    if (mesh !== undefined && mesh !== 'on' && mesh !== 'observe')
      throw new Usage(`--mesh takes nothing or observe, not ${mesh}`);
    const plan = planUp(targetOf(values, context), { scale, dashboard, ...(mesh && { mesh }) });
    const unknown = Object.keys(scale).find((name) => !plan.routes.some((each) => each.service === name));
    if (unknown !== undefined)
      throw new Refusal(
        'scale',
        `${unknown} has no x-sidecars${suggestion(
          unknown,
          plan.routes.map((each) => each.service),
        )}: docker compose up --scale is for it`,
      );
    if (plan.routes.length === 0 && plan.injections.length === 0)
      throw new Refusal('no-sidecars', 'no service asks for a sidecar: add a line such as x-sidecars: [tls] to one');
    if (values.diff) return showDiff(plan, context);
    const changed = plan.before !== plan.after;
    for (const line of [...routeLines(plan.routes), ...meshLines(plan)]) context.out(`${line}\n`);
    const how = plan.before === undefined ? 'is written' : changed ? 'is changed' : 'stays as it is';
    context.out(`compose.sidecars.yaml ${how}; your files stay as they are\n`);
    if (values['dry-run']) return EXIT_OK;
    checkCompose(context);
    const compose = new Compose(values, context);
    if (changed) await replace(plan, compose);
    const names = new Set(plan.services.map(({ name }) => `${name}${COPIES}`));
    const copies = servicesIn(plan.after).filter((name) => names.has(name));
    const built = await buildSidecars(plan, compose, apply(plan, { writeEnv: false }));
    if (built !== 0) return built;
    // Compose does not see that a secret's file has changed: what copies it for a sidecar runs again.
    if (copies.length > 0) await compose.ask('rm', '--force', ...copies);
    const code = await compose.run('up', '--detach', '--wait', ...(values.build ? ['--build'] : []), ...positionals);
    if (code !== 0) {
      context.err('\nnpx sidecar-stacks ps says which container it is, and logs SERVICE why.\n');
      return code;
    }
    context.out('\n');
    for (const line of reachLines(plan.routes, await running(compose))) context.out(`${line}\n`);
    context.out('Stop it: npx sidecar-stacks down. Without sidecars again: npx sidecar-stacks undo\n');
    return EXIT_OK;
  },
);

/** Before the file is written anew: compose has to take it, and what it names no more is removed. */
async function replace(plan: UpPlan, compose: Compose): Promise<void> {
  const [before, after] = await Promise.all([compose.config(undefined), compose.config(plan.after ?? 'services: {}')]);
  const added = plan.injections.reduce((count, { publish }) => count + publish.length, 0);
  const pages = plan.services.filter(({ sidecar }) => sidecar === 'dashboard').length;
  requireSamePublished(before, after, added + pages);
  const { name, services = {} } = after as { name: string; services?: object };
  // Compose may refuse the old file by now: the project it stands over has changed.
  const gone = servicesIn(plan.before).filter((each) => !Object.hasOwn(services, each));
  if (gone.length > 0) await compose.remove(name, gone);
}

/** Names of services of a written file. */
const servicesIn = (file: string | undefined): string[] =>
  parseTrees(file ?? '', INJECTED)
    .flatMap((tree) => (tree instanceof YamlError ? [] : entries(get(tree, 'services'))))
    .map(([name]) => name);

/** Images of sidecars are built where their content is new; compose builds those that are missing. */
async function buildSidecars({ services }: Plan, compose: Compose, changed: readonly string[]): Promise<number> {
  const names = services.filter(({ sidecar }) => changed.includes(sidecar)).map(({ name }) => name);
  return names.length === 0 ? 0 : compose.run('build', '--quiet', ...names);
}

async function running(compose: Compose): Promise<Running[]> {
  const lines = (await compose.ask('ps', '--all', '--format', 'json')).trim();
  return lines === '' ? [] : lines.split('\n').map((line) => JSON.parse(line) as Running);
}

export const downCommand = command(
  'stop a project and remove its containers',
  `Stop a project that up brought up, and remove its containers and networks.

usage: sidecar-stacks down [OPTION…]

${PROJECT}  -v, --volumes            remove volumes too, those of sidecars among them
`,
  'Not stopped',
  async (args, context) => {
    const { values } = commandLine(args, { volumes: { type: 'boolean', short: 'v', default: false } });
    const compose = await new Compose(values, context).settled();
    return compose.run('down', ...(values.volumes ? ['--volumes'] : []));
  },
);

export const psCommand = command(
  'list pods with their containers, states and ports',
  `List the pods of a project: the containers in each, their state and their ports.

usage: sidecar-stacks ps [OPTION…]

${PROJECT}`,
  'Not listed',
  async (args, context) => {
    const { values } = commandLine(args, {});
    for (const line of podLines(await running(await new Compose(values, context).settled()))) context.out(`${line}\n`);
    return EXIT_OK;
  },
);

export const logsCommand = command(
  'show the logs of services and of their sidecars',
  `Show the logs of services, each with those of its sidecars.

usage: sidecar-stacks logs [OPTION…] [SERVICE…]

${PROJECT}      --follow             go on with new lines
      --tail N             the last N lines of each container
`,
  'No logs',
  async (args, context) => {
    const { values, positionals } = commandLine(args, {
      follow: { type: 'boolean', default: false },
      tail: { type: 'string' },
    });
    const compose = await new Compose(values, context).settled();
    const services = positionals.length === 0 ? [] : membersOf(await running(compose), positionals);
    return compose.run(
      'logs',
      ...(values.follow ? ['--follow'] : []),
      ...(values.tail === undefined ? [] : ['--tail', values.tail]),
      ...services,
    );
  },
);
