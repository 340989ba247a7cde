/** Folders of templates: files in which `@WORD@` is replaced. */
import { existsSync, globSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Nothing was written, and the message says why. */
export class Refused extends Error {}

export interface Written {
  /** Files, relative to the root. */
  readonly written: string[];
  /** Lines that say what to do next. */
  readonly next: readonly string[];
}

const NAME = /^[a-z](?:-?[a-z0-9]){0,29}$/;

/** @throws {Refused} for a name that is no name, or that is taken */
export function checkName(root: string, folder: string, name: string): void {
  if (!NAME.test(name))
    throw new Refused(`${JSON.stringify(name)} is no name: small letters, digits and dashes, at most 30.`);
  if (existsSync(join(root, folder, name))) throw new Refused(`${folder}/${name} is there already.`);
}

/**
 * Write a folder of templates.
 * @param template the folder in templates/
 * @param target where it goes, relative to the root
 * @param words what stands for each `@WORD@`
 * @returns the files, relative to the root
 */
export function writeTemplate(
  root: string,
  template: string,
  target: string,
  words: Readonly<Record<string, string>>,
): string[] {
  const from = join(import.meta.dirname, 'templates', template);
  return globSync('**/*', { cwd: from })
    .filter((file) => statSync(join(from, file)).isFile())
    .toSorted()
    .map((file) => {
      const to = join(target, file.replace(/\.template$/, '').replace(/^env$/, '.env'));
      mkdirSync(dirname(join(root, to)), { recursive: true });
      writeFileSync(join(root, to), fill(readFileSync(join(from, file), 'utf8'), words));
      return to;
    });
}

function fill(text: string, words: Readonly<Record<string, string>>): string {
  return text.replace(/@([A-Z]+)@/g, (mark, word: string) => {
    const value = words[word];
    if (value === undefined) throw new Error(`nothing stands for ${mark}`);
    return value;
  });
}

/**
 * Put lines into a file before a line.
 * @throws {Error} when the line is not there
 */
export function insertBefore(file: string, line: RegExp, text: string): void {
  const before = readFileSync(file, 'utf8');
  const at = before.search(line);
  if (at < 0) throw new Error(`${file} has no line like ${line}`);
  writeFileSync(file, before.slice(0, at) + text + before.slice(at));
}

/** `my-stack` → `My stack`. */
export const titleOf = (name: string): string => name[0]!.toUpperCase() + name.slice(1).replaceAll('-', ' ');
