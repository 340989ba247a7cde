/**
 * The commands that READMEs show. Every fenced block of language `sh` or `console` says, in a
 * comment on the line before it, how it is known to work:
 *
 *   <!-- run -->               the tests run it here, and compare what it prints
 *   <!-- run: engine -->       likewise, where there is an engine
 *   <!-- run: engine, in a folder with that compose.yaml -->
 *                              likewise, in a folder that holds nothing but the compose file shown before
 *   <!-- covered: by what -->  the tests run it elsewhere
 *   <!-- not run: why -->      nobody can
 *
 * In a `console` block commands begin with `$ ` and the lines below each are what it prints; `…`
 * stands for any text. In a `sh` block every line is a command. A `yaml` block with `services:` is a
 * compose file, and a block that runs it must follow.
 */

export interface Command {
  readonly text: string;
  /** What it must print, undefined when anything will do. */
  readonly expected: string | undefined;
}

export interface Block {
  /** First line of the block in its file, counted from 1. */
  readonly line: number;
  readonly how: 'run' | 'run-engine' | 'run-compose' | 'covered' | 'not-run' | 'unsaid';
  /** By what it is covered, or why it is not run. */
  readonly why: string;
  readonly commands: readonly Command[];
  /** For run-compose, the compose file. */
  readonly compose?: string;
}

/** A compose file that no block runs. */
export interface Unproven {
  readonly line: number;
}

const FENCE = /^```(\w*)\s*$/;
const IN_A_FOLDER = 'engine, in a folder with that compose.yaml';
const SAID = /^<!-- (run|covered|not run)(?:: (.*))? -->$/;

/**
 * The command blocks of a Markdown text.
 * @param markdown the text
 */
export function commandBlocks(markdown: string): Block[] {
  return readBlocks(markdown).blocks;
}

/**
 * The compose files of a Markdown text that no block runs.
 * @param markdown the text
 */
export function unprovenCompose(markdown: string): Unproven[] {
  return readBlocks(markdown).unproven;
}

function readBlocks(markdown: string): { blocks: Block[]; unproven: Unproven[] } {
  const lines = markdown.split('\n');
  const blocks: Block[] = [];
  const unproven: Unproven[] = [];
  /** The last compose file that was shown, and not yet run. */
  let compose: { text: string; line: number } | undefined;
  let comment = '';
  for (let index = 0; index < lines.length; index++) {
    const language = FENCE.exec(lines[index]!)?.[1];
    if (language === undefined) {
      if (lines[index]!.trim() !== '') comment = lines[index]!.trim();
      continue;
    }
    const start = index + 1;
    const end = lines.findIndex((line, at) => at >= start && line.startsWith('```'));
    const body = lines.slice(start, end === -1 ? lines.length : end);
    index = end === -1 ? lines.length : end;
    if (language === 'yaml' && body.includes('services:')) {
      if (compose) unproven.push(compose);
      compose = { text: `${body.join('\n')}\n`, line: start + 1 };
    }
    if (language === 'sh' || language === 'console') {
      const { how, why } = said(comment);
      const shown = how === 'run-compose' ? compose : undefined;
      // Without a compose file before it, nothing says what is run.
      const known = how === 'run-compose' && !shown ? 'unsaid' : how;
      blocks.push({
        line: start + 1,
        how: known,
        why,
        commands: commandsOf(language, body),
        ...(shown && { compose: shown.text }),
      });
      if (shown || (compose && how === 'not-run')) compose = undefined;
    }
    comment = '';
  }
  if (compose) unproven.push(compose);
  return { blocks, unproven: unproven.map(({ line }) => ({ line })) };
}

function said(comment: string): Pick<Block, 'how' | 'why'> {
  const [, word, rest = ''] = SAID.exec(comment) ?? [];
  if (word === 'run')
    return { how: rest === 'engine' ? 'run-engine' : rest === IN_A_FOLDER ? 'run-compose' : 'run', why: rest };
  // A bare "covered" or "not run" gives no reason, and so says nothing.
  if (word === undefined || rest === '') return { how: 'unsaid', why: '' };
  return { how: word === 'covered' ? 'covered' : 'not-run', why: rest };
}

function commandsOf(language: string, body: readonly string[]): Command[] {
  if (language === 'sh') {
    return body
      .filter((line) => line.trim() !== '' && !line.startsWith('#'))
      .map((text) => ({ text, expected: undefined }));
  }
  const commands: { text: string; lines: string[] }[] = [];
  for (const line of body) {
    if (line.startsWith('$ ')) commands.push({ text: line.slice(2), lines: [] });
    else commands.at(-1)?.lines.push(line);
  }
  return commands.map(({ text, lines }) => ({ text, expected: lines.join('\n') }));
}

/**
 * Whether a text is what a block says it is.
 * @param expected with `…` for any text
 */
export function printsAs(expected: string, actual: string): boolean {
  const pattern = expected
    .trim()
    .split('…')
    .map((part) => RegExp.escape(part))
    .join('[\\s\\S]*?');
  return new RegExp(`^${pattern}$`).test(actual.trim());
}
