/** Homework: a repository of the learner's own, graded by the tools that the course has used. */
import { main } from '../../tools/main.ts';
import type { TerminalWords } from '../languages/terminal/en.ts';

export type GradeId = keyof TerminalWords['homework'];

export interface Grade {
  /** What the repository must do or have. */
  readonly id: GradeId;
  /** What keeps it from it, with file and line where there is one, as the tools say it; empty when nothing does. */
  readonly why: readonly string[];
}

interface Found {
  readonly level: string;
  readonly file: string;
  readonly line: number;
  readonly message: string;
}
interface Group {
  readonly containers: readonly { readonly class: string }[];
  readonly warnings: readonly Found[];
}

/**
 * Grade a repository. Nothing in it is run or changed.
 * @param folder its path
 * @throws {Error} when a tool cannot read it, with what the tool says
 */
export async function gradeHomework(folder: string): Promise<Grade[]> {
  const { groups, notes } = await told<{ groups: readonly Group[]; notes: readonly Found[] }>(folder, 'identify');
  const { findings } = await told<{ findings: readonly Found[] }>(folder, 'contract', 'lint');
  const helps = groups.some(({ containers }) => containers.some((each) => each.class.endsWith('sidecar')));
  return [
    { id: 'isRead', why: serious(notes) },
    { id: 'hasSidecar', why: helps ? [] : ['npx sidecar-stacks inject tls --into SERVICE'] },
    { id: 'soundPods', why: serious(groups.flatMap(({ warnings }) => warnings)) },
    { id: 'contracts', why: serious(findings) },
  ];
}

const serious = (found: readonly Found[]): string[] =>
  found.filter(({ level }) => level !== 'note').map(({ file, line, message }) => `${file}:${line}: ${message}`);

async function told<T>(folder: string, ...command: string[]): Promise<T> {
  let out = '';
  let err = '';
  const world = {
    folder,
    environment: {},
    out: (text: string) => void (out += text),
    err: (text: string) => void (err += text),
  };
  await main([...command, '--json', '.'], world);
  try {
    return JSON.parse(out) as T;
  } catch {
    throw new Error(err.trim() || `${command.join(' ')} says nothing of ${folder}`);
  }
}
