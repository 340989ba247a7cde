/**
 * How many compose projects `export` takes: as they are, and with the options that its own report proposes.
 *   node scripts/bench/export-rate.ts FOLDER LIST    LIST holds compose files below FOLDER, one a line
 * Prints why a project is refused, and the counts. Every object that is written is checked against the API's schemas. No
 * registry is asked, and nothing is written.
 */
import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { main } from '../../tools/main.ts';
import { mistakesIn } from '../../tools/export/test-schema.ts';

const VALUES: Readonly<Record<string, string>> = { '--tag VERSION': '--tag 1.0.0' };

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function exportOf(folder: string, args: readonly string[]): Promise<Run> {
  let [out, err] = ['', ''];
  const code = await main(['export', ...args, '--dry-run'], {
    folder,
    environment: { PATH: process.env['PATH'] },
    out: (text) => void (out += text),
    err: (text) => void (err += text),
  });
  return { code, out, err };
}

/** With what the report proposes, until it proposes nothing new. */
async function withProposals(folder: string, file: string): Promise<Run & { readonly flags: readonly string[] }> {
  let flags: string[] = [];
  for (;;) {
    const run = await exportOf(folder, [file, ...flags]);
    const [, proposed] = /(?:Written|solved) with: (.*)/.exec(run.err) ?? [];
    const next = [...new Set([...flags.join(' ').split(/ (?=--)/), ...(proposed?.split(/ (?=--)/) ?? [])])]
      .filter((flag) => flag !== '')
      .flatMap((flag) => (VALUES[flag] ?? flag).split(' '));
    if (run.code === 0 || next.join() === flags.join()) return { ...run, flags };
    flags = next;
  }
}

/** Of every object of the base. */
function mistakes(out: string): string[] {
  return out.split(/^# --- /m).flatMap((file) => {
    const end = file.indexOf('\n');
    if (!file.startsWith('base/') || file.startsWith('base/kustomization')) return [];
    return parseAllDocuments(file.slice(end + 1)).flatMap((each) => {
      const object = each.toJS() as Record<string, unknown> | null;
      return object === null ? [] : mistakesIn(object);
    });
  });
}

const [folder = '.', list = ''] = process.argv.slice(2);
const counts = { projects: 0, unedited: 0, flags: 0, invalid: 0 };
for (const line of readFileSync(list, 'utf8').trim().split('\n')) {
  const file = join(folder, line);
  counts.projects += 1;
  const plain = await exportOf(dirname(file), [basename(file)]);
  const run = await withProposals(dirname(file), basename(file));
  if (plain.code === 0) counts.unedited += 1;
  if (run.code === 0) {
    counts.flags += 1;
    const wrong = mistakes(run.out);
    if (wrong.length > 0) {
      counts.invalid += 1;
      console.log(`INVALID ${line}: ${wrong.slice(0, 3).join(' · ')}`);
    }
  } else {
    const why = run.err.split('\n').filter((each) => / refused: /.test(each));
    console.log(
      `refused ${line} [${run.flags.join(' ')}]\n  ${(why.length > 0 ? why : [run.err.slice(0, 300)]).join('\n  ')}`,
    );
  }
}
console.log(counts);
