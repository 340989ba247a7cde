/** The file of CONFIG_SPEC: files with settings of their own. */
import { readFileSync } from 'node:fs';
import { isDenied, unreadable } from '#kit/files/remedy.ts';
import { parseValue, Unacceptable, type Parameter } from '#kit/contract/parameter-types.ts';
import type { Values } from '#kit/contract/parameters.ts';
import { suggestion } from '#kit/text/suggestion.ts';
import { contract } from '../contract.ts';

/** Parameters that a file in CONFIG_SPEC may have for itself, as `notify` for CONFIG_NOTIFY. */
export const OF_A_FILE = [
  'CONFIG_FILE_MODE',
  'CONFIG_FORMAT',
  'CONFIG_SCHEMA',
  'CONFIG_CHECK',
  'CONFIG_CHECK_TIMEOUT',
  'CONFIG_COMMAND_ENV',
  'CONFIG_NOTIFY',
  'CONFIG_NOTIFY_TIMEOUT',
  'CONFIG_VERIFY',
  'CONFIG_VERIFY_EXPECT',
  'CONFIG_VERIFY_FOR',
  'CONFIG_VERIFY_TIMEOUT',
  'CONFIG_START_TIMEOUT',
] as const;

export type Settings = { [Name in (typeof OF_A_FILE)[number]]: Values<typeof contract.parameters>[Name] };

/** What a file is made of: one document, or several by a template. */
export type Content =
  | { readonly key: string }
  /** Documents' keys by the names that the template has for them. */
  | { readonly template: string; readonly documents: Readonly<Record<string, string>> };

/** A file that is listed. */
export interface Entry {
  readonly path: string;
  readonly content: Content;
  readonly settings: Settings;
  /** Which of the settings are its own. */
  readonly own: ReadonlySet<string>;
}

export type ReportProblem = (parameter: string, message: string) => void;

const ACCEPTED = '{key: KEY, path: /path, …} or {template: /path, documents: {NAME: KEY, …}, path: /path, …}';

/** `file_mode` for CONFIG_FILE_MODE. */
export const nameInSpec = (parameter: string): string => parameter.replace(/^CONFIG_/, '').toLowerCase();

/**
 * Read the files that CONFIG_SPEC lists.
 * @param defaults what the parameters say for all files
 * @param wrong is told of each mistake
 */
export async function readSpec(spec: string, defaults: Settings, wrong: ReportProblem): Promise<Entry[]> {
  let content: unknown;
  try {
    // Loaded by those who use it: parsers cost memory.
    const { load } = await import('js-yaml');
    content = load(readFileSync(spec, 'utf8'));
  } catch (error) {
    const why = isDenied(error)
      ? unreadable(spec, error)
      : `${spec} cannot be read: ${(error as Error).message.split('\n')[0]}`;
    wrong('CONFIG_SPEC', `${why}; accepted is a YAML or JSON file`);
    return [];
  }
  const files = (content as { files?: unknown } | null)?.files;
  if (!Array.isArray(files)) {
    wrong('CONFIG_SPEC', `${spec} has no list "files"; accepted is files: [{key: KEY, path: /path, …}]`);
    return [];
  }
  return files.flatMap((file: unknown, index) => readEntry(file, `files[${index}]`, defaults, wrong) ?? []);
}

function readEntry(file: unknown, where: string, defaults: Settings, wrong: ReportProblem): Entry | undefined {
  if (!isMapping(file)) {
    wrong('CONFIG_SPEC', `${where} is no mapping; accepted is ${ACCEPTED}`);
    return undefined;
  }
  const { key, template, documents, path, ...rest } = file;
  const content = contentOf({ key, template, documents });
  if (typeof content === 'string' || typeof path !== 'string' || !path.startsWith('/')) {
    const what = typeof content === 'string' ? content : 'lacks an absolute path';
    wrong('CONFIG_SPEC', `${where} ${what}; accepted is ${ACCEPTED}`);
    return undefined;
  }
  const settings: Record<string, unknown> = { ...defaults };
  const own = new Set<string>();
  const names = new Map(OF_A_FILE.map((name) => [nameInSpec(name), name]));
  for (const [name, value] of Object.entries(rest)) {
    const parameter = names.get(name);
    if (!parameter) {
      wrong('CONFIG_SPEC', `${where}: ${name} is not a setting of a file${suggestion(name, [...names.keys()])}`);
      continue;
    }
    const declaration: Parameter = contract.parameters[parameter];
    // Nothing takes back what a parameter says for all files.
    const text = value === null || value === '' ? declaration.default : textOf(value);
    try {
      settings[parameter] = text === undefined ? undefined : parseValue(declaration, text);
      if (text !== undefined) own.add(parameter);
    } catch (error) {
      if (!(error instanceof Unacceptable)) throw error;
      wrong(
        'CONFIG_SPEC',
        `${where}: ${name}: ${JSON.stringify(value)} ${error.message}; accepted is ${error.accepted}`,
      );
    }
  }
  return { path, content, settings: settings as Settings, own };
}

/** What a file is made of, or what is wrong with that. */
function contentOf({ key, template, documents }: Record<'key' | 'template' | 'documents', unknown>): Content | string {
  if (template === undefined && documents === undefined)
    return typeof key === 'string' && key !== '' ? { key } : 'lacks a key';
  if (key !== undefined) return 'has both a key and a template';
  if (typeof template !== 'string' || !template.startsWith('/')) return 'lacks the absolute path of its template';
  if (!isMapping(documents) || Object.keys(documents).length === 0) return 'lacks the documents of its template';
  for (const [name, each] of Object.entries(documents)) {
    if (!/^[A-Za-z_]\w*$/.test(name)) return `has a document ${JSON.stringify(name)}, which is no name for a template`;
    if (typeof each !== 'string' || each === '') return `has no key for the document ${name}`;
  }
  return { template, documents: documents as Record<string, string> };
}

const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A value of the file as a parameter would have it. */
const textOf = (value: unknown): string => (Array.isArray(value) ? value.join(',') : String(value));
