/** `COMPOSE_FILE` in a project's `.env`, put there and taken back byte for byte. */

/** Says which line is ours. */
const MARK = '# Written by sidecar-stacks inject; taken back by its --undo.';
const KEPT = '# Before: ';

/**
 * @param before the file's content; undefined when there is no file
 * @param files what COMPOSE_FILE is to name
 */
export function withComposeFile(before: string | undefined, files: readonly string[]): string {
  const clean = withoutComposeFile(before) ?? '';
  const line = clean.split('\n').find((each) => /^\s*(export\s+)?COMPOSE_FILE\s*=/.test(each));
  const own = `COMPOSE_FILE=${files.join(':')}`;
  if (line !== undefined) return clean.replace(line, () => `${MARK}\n${KEPT}${line}\n${own}`);
  const gap = clean === '' || clean.endsWith('\n') ? '' : '\n';
  return `${clean}${gap}${MARK}${gap === '' ? '' : ' (no newline before)'}\n${own}\n`;
}

/** @returns the content without what was written; undefined when nothing but that was in the file */
export function withoutComposeFile(content: string | undefined): string | undefined {
  if (content === undefined) return undefined;
  const replaced = new RegExp(`${escaped(MARK)}\\n${escaped(KEPT)}([^\\n]*)\\nCOMPOSE_FILE=[^\\n]*`);
  if (replaced.test(content)) return content.replace(replaced, (_all, before: string) => before);
  const added = new RegExp(`(\\n?)${escaped(MARK)}( \\(no newline before\\))?\\nCOMPOSE_FILE=[^\\n]*\\n`);
  const match = added.exec(content);
  if (!match) return content;
  const rest =
    content.slice(0, match.index) + (match[2] ? '' : match[1]) + content.slice(match.index + match[0].length);
  return rest === '' ? undefined : rest;
}

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
