/** What is wanted of each file, out of the parameters and CONFIG_SPEC. */
import { readFileSync } from 'node:fs';
import { parseCommand } from '#kit/command.ts';
import { parseNotification, type Notification } from '#kit/notify.ts';
import { parseValue, Unacceptable, type Parameter } from '#kit/parameter-types.ts';
import { ConfigurationError, type Problem, type Values } from '#kit/parameters.ts';
import { suggestion } from '#kit/suggestion.ts';
import { parseExpectation } from '../apply/expectation.ts';
import { parseSubject, type Verification } from '../apply/verify.ts';
import { contract } from '../contract.ts';
import { syntaxOf, type Format } from '../validate/syntax.ts';
import type { Rules } from '../validate/validate.ts';

/** One document and the file that it becomes. */
export interface FilePlan {
  readonly key: string;
  readonly path: string;
  /** Permission bits of a file that was not there. */
  readonly mode: number;
  readonly rules: Rules;
  readonly notification: Notification | undefined;
  /** Milliseconds. */
  readonly notifyTimeout: number;
  readonly verification: Verification | undefined;
  /** Milliseconds. */
  readonly startTimeout: number;
}

/** Parameters that a file in CONFIG_SPEC may have for itself, as `notify` for CONFIG_NOTIFY. */
export const OF_A_FILE = [
  'CONFIG_FILE_MODE',
  'CONFIG_FORMAT',
  'CONFIG_SCHEMA',
  'CONFIG_CHECK',
  'CONFIG_CHECK_TIMEOUT',
  'CONFIG_NOTIFY',
  'CONFIG_NOTIFY_TIMEOUT',
  'CONFIG_VERIFY',
  'CONFIG_VERIFY_EXPECT',
  'CONFIG_VERIFY_FOR',
  'CONFIG_VERIFY_TIMEOUT',
  'CONFIG_START_TIMEOUT',
] as const;

type Settings = { [Name in (typeof OF_A_FILE)[number]]: Values<typeof contract.parameters>[Name] };

/** How long health must last when CONFIG_VERIFY_FOR does not say, in milliseconds. */
const HEALTHY_FOR = 2000;

/** `file_mode` for CONFIG_FILE_MODE. */
const nameInSpec = (parameter: string): string => parameter.replace(/^CONFIG_/, '').toLowerCase();

/**
 * Work out what is to be done for each file.
 * @throws {ConfigurationError} with all that is wrong
 */
export async function readSettings(parameters: Values<typeof contract.parameters>): Promise<FilePlan[]> {
  const problems: Problem[] = [];
  const wrong = (parameter: string, message: string): void =>
    void problems.push({ parameter, reason: 'malformed', message: `${parameter}: ${message}` });
  const plans: FilePlan[] = [];
  const add = async (source: string, key: string, path: string, settings: Settings): Promise<void> => {
    if (plans.some((plan) => plan.path === path)) wrong(source, `${path} is named twice; accepted is each file once`);
    const plan = await planOf(key, path, settings, wrong);
    if (plan) plans.push(plan);
  };

  for (const item of parameters.CONFIG_FILES ?? []) {
    const at = item.indexOf('=');
    await add('CONFIG_FILES', item.slice(0, at), item.slice(at + 1), parameters);
  }
  if (parameters.CONFIG_SPEC !== undefined) {
    for (const { key, path, settings } of await readSpec(parameters.CONFIG_SPEC, parameters, wrong))
      await add('CONFIG_SPEC', key, path, settings);
  }
  if (plans.length === 0 && problems.length === 0)
    wrong('CONFIG_FILES', 'neither it nor CONFIG_SPEC names a file; accepted is a comma-separated list of KEY=/path');
  // Each is said once, however many files share the parameter.
  const distinct = [...new Map(problems.map((problem) => [problem.message, problem])).values()];
  if (distinct.length > 0) throw new ConfigurationError(distinct);
  return plans;
}

interface Entry {
  readonly key: string;
  readonly path: string;
  readonly settings: Settings;
}

type Complain = (parameter: string, message: string) => void;

async function readSpec(spec: string, defaults: Settings, wrong: Complain): Promise<Entry[]> {
  let content: unknown;
  try {
    // Loaded by those who use it: parsers cost memory.
    const { parse } = await import('yaml');
    content = parse(readFileSync(spec, 'utf8'), { logLevel: 'error' });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    wrong('CONFIG_SPEC', `${spec} cannot be read: ${message.split('\n')[0] ?? code}; accepted is a YAML or JSON file`);
    return [];
  }
  const files = (content as { files?: unknown } | null)?.files;
  if (!Array.isArray(files)) {
    wrong('CONFIG_SPEC', `${spec} has no list "files"; accepted is files: [{key: KEY, path: /path, …}]`);
    return [];
  }
  return files.flatMap((file: unknown, index) => readEntry(file, `files[${index}]`, defaults, wrong) ?? []);
}

function readEntry(file: unknown, where: string, defaults: Settings, wrong: Complain): Entry | undefined {
  if (typeof file !== 'object' || file === null) {
    wrong('CONFIG_SPEC', `${where} is no mapping; accepted is {key: KEY, path: /path, …}`);
    return undefined;
  }
  const { key, path, ...rest } = file as Record<string, unknown>;
  if (typeof key !== 'string' || key === '' || typeof path !== 'string' || !path.startsWith('/')) {
    wrong('CONFIG_SPEC', `${where} lacks a key or an absolute path; accepted is {key: KEY, path: /path, …}`);
    return undefined;
  }
  const settings: Record<string, unknown> = { ...defaults };
  const names = new Map(OF_A_FILE.map((name) => [nameInSpec(name), name]));
  for (const [name, value] of Object.entries(rest)) {
    const parameter = names.get(name);
    if (!parameter) {
      wrong('CONFIG_SPEC', `${where}: ${name} is not a setting of a file${suggestion(name, [...names.keys()])}`);
      continue;
    }
    const declaration: Parameter = contract.parameters[parameter];
    // Nothing takes back what a parameter says for all files.
    const text = value === null || value === '' ? declaration.default : String(value as string | number);
    try {
      settings[parameter] = text === undefined ? undefined : parseValue(declaration, text);
    } catch (error) {
      if (!(error instanceof Unacceptable)) throw error;
      wrong(
        'CONFIG_SPEC',
        `${where}: ${name}: ${JSON.stringify(value)} ${error.message}; accepted is ${error.accepted}`,
      );
    }
  }
  return { key, path, settings: settings as Settings };
}

async function planOf(key: string, path: string, settings: Settings, wrong: Complain): Promise<FilePlan | undefined> {
  const read = <T>(parameter: keyof Settings, parser: (text: string) => T): T | undefined => {
    const text = settings[parameter] as string | undefined;
    if (text === undefined) return undefined;
    try {
      return parser(text);
    } catch (error) {
      wrong(parameter, (error as Error).message);
      return undefined;
    }
  };
  const syntax = syntaxOf(settings.CONFIG_FORMAT as Format, path);
  const compiler = settings.CONFIG_SCHEMA === undefined ? undefined : await import('../validate/schema.ts');
  const schema = read('CONFIG_SCHEMA', (file) => compiler!.compileSchema(readFileSync(file, 'utf8')));
  if (schema && syntax === 'text')
    wrong(
      'CONFIG_SCHEMA',
      `${path} is plain text, which has no structure; accepted with CONFIG_FORMAT json, yaml, ini, toml or properties`,
    );
  const check = read('CONFIG_CHECK', (text) => {
    const argv = parseCommand(text);
    if (!argv.some((word) => word.includes('{}')))
      throw new Error(`${JSON.stringify(text)} has no {}, which stands for the staged file`);
    return argv;
  });
  const notification = read('CONFIG_NOTIFY', parseNotification);
  const subject = read('CONFIG_VERIFY', parseSubject);
  const expectation = read('CONFIG_VERIFY_EXPECT', parseExpectation);
  if (!expectation) return undefined;
  return {
    key,
    path,
    mode: Number.parseInt(settings.CONFIG_FILE_MODE, 8),
    rules: { syntax, schema, check, checkTimeout: settings.CONFIG_CHECK_TIMEOUT },
    notification,
    notifyTimeout: settings.CONFIG_NOTIFY_TIMEOUT,
    verification: subject && {
      subject,
      expectation,
      hold: settings.CONFIG_VERIFY_FOR ?? (subject.kind.startsWith('healthy') ? HEALTHY_FOR : 0),
      timeout: settings.CONFIG_VERIFY_TIMEOUT,
    },
    startTimeout: settings.CONFIG_START_TIMEOUT,
  };
}
