/** `npm run contract -- check|write|diff`: a sidecar's declaration and all that follows from it. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { checkCatalogue, checkPorts } from './contract/check/catalogue.ts';
import { fillDockerfile } from './contract/check/dockerfile.ts';
import { checkFiles, contractJson, read } from './contract/check/files.ts';
import { diffContracts } from './contract/diff/compare.ts';
import { lineOf, type Disagreement } from './contract/check/disagreement.ts';
import { History, HistoryError } from './contract/diff/history.ts';
import { checkImage, imageOf } from './contract/check/image.ts';
import { comparisonLines } from './contract/diff/print.ts';
import { fillReadme, markersOf } from './contract/check/readme.ts';
import { licenceOf, loadSidecars, NoSidecar, type Sidecar } from './contract/sidecars.ts';
import { thisClone } from './lib/clone.ts';
import { main as packageMain } from '../tools/main.ts';
import { ofThisProcess } from '../tools/command/command.ts';

const HELP = `Keep a sidecar's contract: the declaration in its src/contract.ts is compared
with everything that follows from it.

usage: npm run contract -- [check] [NAME…] [--image] [--json]
       npm run contract -- write [NAME…]
       npm run contract -- diff REF [NAME…] [--json]

check  Dockerfile (ENV, EXPOSE, LABEL, USER), built image, contract.json and
       the README's tables agree with the declaration, and so does the part of
       the catalogue; no two have a port in common; each disagreement is one
       line that ends with its repair
write  write contract.json, the Dockerfile's LABEL, ENV and EXPOSE, and the
       README's tables between
       <!-- contract:SECTION --> and <!-- /contract -->, with SECTION one of
       parameters, ports, endpoints, metrics, signals, exit-codes
diff   name each change since a git ref (a tag, a branch, a commit), and
       demand a major version for one that breaks (below 1.0.0 a minor one),
       a minor one for an addition, a patch otherwise

lint, docs
       what Dockerfiles without a declaration say, anybody's as well: the npm
       package's own commands (npm run contract -- lint PATH…, docs PATH…)

  NAME     only these sidecars
  --image  the image must be there and agree, and is asked for its contract;
           otherwise an absent or older image is only noted
  --json   one JSON document instead of lines
  --help

exit code: 0 when all agree and versions are raised enough, 1 when not, 2 for a
wrong command line
`;

const EXIT_USAGE = 2;
/** npm starts every script in the project's folder. */
const root = process.cwd();
const print = (line: string): void => void process.stdout.write(`${line}\n`);

class Usage extends Error {}

async function main(): Promise<number> {
  const [verb] = process.argv.slice(2);
  if (verb === 'lint' || verb === 'docs') return packageMain(['contract', ...process.argv.slice(2)], ofThisProcess());
  const { values, positionals } = commandLine();
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const [first, ...rest] = positionals;
  if (values.image && (first === 'write' || first === 'diff')) throw new Usage(`${first} takes no --image`);
  if (first === 'diff') return diff(rest, values.json);
  if (first === 'write') return write(await loadSidecars(root, rest));
  return check(await loadSidecars(root, first === 'check' ? rest : positionals), values.image, values.json);
}

function commandLine() {
  try {
    return parseArgs({
      args: process.argv.slice(2),
      options: {
        image: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
      allowPositionals: true,
    });
  } catch (error) {
    throw new Usage((error as Error).message);
  }
}

async function check(sidecars: readonly Sidecar[], demandImage: boolean, json: boolean): Promise<number> {
  // Where an engine answers, images have this clone's tag.
  await thisClone().catch(() => undefined);
  const licence = licenceOf(root);
  const catalogue = join(root, 'compose.yaml');
  const disagreements: Disagreement[] = [
    ...checkPorts(sidecars),
    ...(existsSync(catalogue) ? checkCatalogue(sidecars, readFileSync(catalogue, 'utf8')) : []),
  ];
  const notes: string[] = [];
  for (const sidecar of sidecars) {
    disagreements.push(...checkFiles(sidecar, licence));
    const image = await checkImage(sidecar, licence, demandImage);
    if (demandImage) disagreements.push(...image);
    else notes.push(...imageNotes(sidecar, image));
  }
  if (json) print(JSON.stringify({ sidecars: sidecars.map(({ name }) => name), disagreements, notes }));
  else {
    for (const line of [...notes, ...disagreements.map(lineOf)]) print(line);
    print(
      `${sidecars.length} contract${sidecars.length === 1 ? '' : 's'} checked, ${disagreements.length} disagreement${disagreements.length === 1 ? '' : 's'}`,
    );
  }
  return disagreements.length > 0 ? 1 : 0;
}

/** Without --image an image may be absent, or older than the declaration: the next build changes both. */
function imageNotes({ name }: Sidecar, found: readonly Disagreement[]): string[] {
  if (found.some(({ absent }) => absent)) return [`${imageOf(name)}: not built: image not compared`];
  return found.map((disagreement) => `${lineOf(disagreement)} (an older build)`);
}

function write(sidecars: readonly Sidecar[]): number {
  for (const sidecar of sidecars) {
    const files = [['contract.json', contractJson(sidecar)]];
    const readme = read(sidecar, 'README.md');
    if (readme === undefined) print(`${sidecar.path}/README.md: there is none, so no tables were written`);
    else {
      const { text, missing } = fillReadme(readme, sidecar.contract);
      files.push(['README.md', text]);
      for (const section of missing)
        print(`${sidecar.path}/README.md: no table of ${section}: put ${markersOf(section)} where it belongs`);
    }
    const dockerfile = read(sidecar, 'Dockerfile');
    if (dockerfile !== undefined)
      files.push(['Dockerfile', fillDockerfile(dockerfile, sidecar.contract, licenceOf(root))]);
    for (const [file, text] of files) {
      const changed = read(sidecar, file!) !== text;
      if (changed) writeFileSync(join(sidecar.folder, file!), text!);
      print(`${sidecar.path}/${file}: ${changed ? 'written' : 'up to date'}`);
    }
  }
  return 0;
}

async function diff([ref, ...names]: readonly string[], json: boolean): Promise<number> {
  if (ref === undefined) throw new Usage('diff needs a git ref to compare with, such as main or v1.0.0');
  const sidecars = await loadSidecars(root, names);
  const comparisons = await diffContracts(sidecars, await History.at(root, ref), names.length === 0);
  const colour = process.stdout.isTTY && !process.env['NO_COLOR'];
  if (json) print(JSON.stringify({ ref, sidecars: comparisons }));
  else for (const comparison of comparisons) for (const line of comparisonLines(comparison, ref, colour)) print(line);
  return comparisons.every(({ enough }) => enough) ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof Usage || error instanceof NoSidecar || error instanceof HistoryError)) throw error;
  process.stderr.write(
    `contract: ${error.message}\n${error instanceof Usage ? 'See: npm run contract -- --help\n' : ''}`,
  );
  process.exitCode = EXIT_USAGE;
}
