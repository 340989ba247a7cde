/**
 * Valkey's own tests against the ambassador, in external mode: first directly to a server, then through the ambassador
 * with one and with three servers. Each test that passes directly passes there, too, or is among the differences that
 * are known and have a reason.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Project } from '../../lib/compose.ts';
import { buildImages } from '../../lib/images.ts';
import { catchSignals } from '../../lib/interrupt.ts';
import { ROOT } from '../../lib/stacks.ts';
import { setup } from '../../setup/setup.ts';
import { DIFFERENCES, type Difference } from './differences.ts';
import { FILES, SETUPS, type FileResult, type Setup } from './files.ts';

/** One file in one setup, in milliseconds. */
const LIMIT = 300_000;
/** Of a thousand tests that pass directly, this number has to pass. */
const LEAST: Readonly<Record<Exclude<Setup, 'direct'>, number>> = { one: 984, three: 933 };

const { positionals } = parseArgs({ allowPositionals: true });
const files = positionals.length > 0 ? FILES.filter((file) => positionals.some((each) => file.endsWith(each))) : FILES;
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const interrupt = catchSignals(() => {});
const { signal } = interrupt;
const project = new Project({ name: `sidecar-stacks-soak-valkey-suite-${process.pid}`, dir: import.meta.dirname });
const results: Record<Setup, Map<string, FileResult>> = { direct: new Map(), one: new Map(), three: new Map() };

await setup({ say, signal });
try {
  await buildImages(project, undefined, { signal });
} catch (error) {
  say(`skipped: the source of Valkey's tests cannot be had here: ${(error as Error).message.split('\n').at(-1)}`);
  process.exit(interrupt.exitCode() ?? 0);
}
try {
  await project.up([], { signal });
  for (const file of files) {
    await Promise.all((Object.keys(SETUPS) as Setup[]).map((each) => runFile(each, file)));
    say(
      `${file}: ${(Object.keys(SETUPS) as Setup[]).map((each) => `${each} ${results[each].get(file)!.passed.length}`).join(', ')}`,
    );
  }
} finally {
  await project.down({ timeoutMs: 60_000 });
}
const wrong = await judge();
for (const line of wrong) say(`FAILED ${line}`);
process.exit(interrupt.exitCode() ?? (wrong.length > 0 ? 1 : 0));

async function runFile(name: Setup, file: string): Promise<void> {
  signal.throwIfAborted();
  const output = await project.exec('suite', ['node', '/repository/scripts/soak/valkey-suite/inside.ts', name, file], {
    timeoutMs: LIMIT,
    signal,
  });
  results[name].set(file, JSON.parse(output.trimEnd().split('\n').at(-1)!) as FileResult);
}

/** @returns what is wrong */
async function judge(): Promise<string[]> {
  const found: string[] = [];
  const folder = join(ROOT, 'artifacts', 'valkey-suite');
  await mkdir(folder, { recursive: true });
  for (const name of ['one', 'three'] as const) {
    let total = 0;
    let passed = 0;
    for (const file of files) {
      const direct = new Set(results.direct.get(file)!.passed);
      const { output, ...through } = results[name].get(file)!;
      const ok = new Set(through.passed);
      const missing = [...direct].filter((test) => !ok.has(test));
      total += direct.size;
      passed += direct.size - missing.length;
      for (const test of missing)
        if (!DIFFERENCES.some((each) => applies(each, name, file, test))) found.push(`${name}: ${file}: ${test}`);
      await writeFile(join(folder, `${name}-${file.replaceAll('/', '-')}.log`), output.join('\n'));
    }
    say(`${name === 'one' ? 'one server' : 'three servers'}: ${passed} of ${total} that pass directly`);
    if (passed * 1000 < total * LEAST[name]) found.push(`${name}: fewer than ${LEAST[name] / 10} % passed`);
  }
  return found;
}

function applies({ servers, tests }: Difference, name: Setup, file: string, test: string): boolean {
  if (servers === 'three' && name !== 'three') return false;
  return tests.some((each) => {
    const colon = each.indexOf(':');
    return file.endsWith(`/${each.slice(0, colon)}`) && test.includes(each.slice(colon + 1).trim());
  });
}
