/** `npm run release`: the sidecars' images under their contracts' versions, built and pushed. */
import { readFileSync, globSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { lastLines, run } from './lib/run.ts';
import { ROOT } from './lib/stacks.ts';
import { bundle } from './setup/bundles/bundle.ts';

const HELP = `Build the sidecars' images, each under the version of its contract, and push them.
A version that the registry has already is left alone: it is published once.

usage: npm run release -- --registry PREFIX [NAME…] [OPTION…]

  NAME               only these sidecars
  --registry PREFIX  where images go: ghcr.io/owner, 127.0.0.1:5000
  --platform LIST    for docker buildx: linux/amd64,linux/arm64 (default: this
                     machine's, by docker build)
  --attest           provenance and SBOM; needs a buildx builder of the driver
                     docker-container
  --source URL       the repository, for the images' labels: a registry links
                     a package to its repository by it (default: what a GitHub
                     workflow says of itself)
  --dry-run          say what would be done
  --help

exit code: 0, 1 when a build or a push failed, 2 for a wrong command line
`;

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
const BUILD_MS = 20 * 60_000;
const PUSH_MS = 10 * 60_000;
const LOOK_MS = 60_000;
const LOG_LINES = 20;

interface Release {
  readonly folder: string;
  readonly name: string;
  readonly image: string;
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: {
      registry: { type: 'string' },
      platform: { type: 'string' },
      attest: { type: 'boolean', default: false },
      source: { type: 'string', default: workflowRepository() },
      'dry-run': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
    allowPositionals: true,
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const prefix = values.registry?.replace(/\/$/, '');
  if (!prefix || !/^[\w.-]+(:\d+)?(\/[\w./-]+)?$/.test(prefix))
    return usage('--registry PREFIX is missing, or is no name of a registry');
  const all = releases(prefix);
  const unknown = positionals.filter((name) => !all.some((each) => each.name === name));
  if (unknown.length > 0)
    return usage(`there is no sidecar ${unknown.join(', ')}; there are ${all.map(({ name }) => name).join(', ')}`);
  const chosen = positionals.length === 0 ? all : all.filter(({ name }) => positionals.includes(name));
  if (!values['dry-run']) await bundle();
  for (const release of chosen) {
    if (values['dry-run']) say(`${release.image} would be built and pushed`);
    else if (await published(release.image)) say(`${release.image} is published already`);
    else if (!(await publish(release, await sourceLabels(values.source, release.name), values))) return EXIT_FAILED;
  }
  return 0;
}

function releases(prefix: string): Release[] {
  return globSync('sidecars/*/contract.json', { cwd: ROOT })
    .toSorted()
    .map((file) => {
      const { version } = JSON.parse(readFileSync(join(ROOT, file), 'utf8')) as { version: string };
      const name = basename(dirname(file));
      return { folder: join(ROOT, dirname(file)), name, image: `${prefix}/${name}:${version}` };
    });
}

async function published(image: string): Promise<boolean> {
  const { exitCode } = await run(
    'docker',
    ['manifest', 'inspect', ...(image.startsWith('127.0.0.1:') ? ['--insecure'] : []), image],
    { timeoutMs: LOOK_MS },
  );
  return exitCode === 0;
}

/** The repository that a workflow of GitHub runs for; empty elsewhere. */
function workflowRepository(): string {
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository } = process.env;
  return server && repository ? `${server}/${repository}` : '';
}

/** Labels that only a release knows: where the image comes from, and of which commit. */
async function sourceLabels(source: string, name: string): Promise<string[]> {
  const { exitCode, stdout } = await run('git', ['rev-parse', 'HEAD'], { cwd: ROOT, timeoutMs: LOOK_MS });
  const labels = {
    ...(exitCode === 0 && { revision: stdout.trim() }),
    ...(source !== '' && { source, url: source, documentation: `${source}/tree/HEAD/sidecars/${name}#readme` }),
  };
  return Object.entries(labels).flatMap(([key, value]) => ['--label', `org.opencontainers.image.${key}=${value}`]);
}

async function publish(
  { folder, image }: Release,
  labels: readonly string[],
  { platform, attest }: { platform?: string; attest: boolean },
): Promise<boolean> {
  const base = process.env['SIDECAR_BASE'];
  const args = ['--tag', image, ...labels, ...(base === undefined ? [] : ['--build-arg', `SIDECAR_BASE=${base}`])];
  if (platform !== undefined || attest) {
    const extra = [
      ...(platform === undefined ? [] : ['--platform', platform]),
      ...(attest ? ['--provenance=mode=max', '--sbom=true'] : []),
    ];
    return step(`${image}: built and pushed`, ['buildx', 'build', ...args, ...extra, '--push', folder], BUILD_MS);
  }
  return (
    (await step(`${image}: built`, ['build', ...args, folder], BUILD_MS)) &&
    step(`${image}: pushed`, ['push', image], PUSH_MS)
  );
}

async function step(done: string, args: readonly string[], timeoutMs: number): Promise<boolean> {
  const result = await run('docker', args, { timeoutMs });
  if (result.exitCode === 0) {
    say(done);
    return true;
  }
  process.stderr.write(
    `docker ${args.slice(0, 2).join(' ')} failed (${result.ended ?? result.exitCode}):\n${lastLines(result.stderr, LOG_LINES).join('\n')}\n`,
  );
  return false;
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);

function usage(message: string): number {
  process.stderr.write(`${message}\n--help says what is accepted\n`);
  return EXIT_USAGE;
}

process.exitCode = await main();
