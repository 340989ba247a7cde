/** One file's settings, made into what is done with it. */
import { readFileSync } from 'node:fs';
import { isDenied, unreadable } from '#kit/files/remedy.ts';
import { parseCommand } from '#kit/process/command.ts';
import { parseNotification, type Notification } from '#kit/process/notify.ts';
import { parseExpectation, type Expectation } from '../checks/expectation.ts';
import { parseSubject, type Verification } from '../checks/verify.ts';
import type { Recipe } from '../templates/templated-source.ts';
import { syntaxOf, type Format } from '../validate/syntax.ts';
import type { Rules } from '../checks/validate.ts';
import { fingerprintOf } from './fingerprint.ts';
import { OF_A_FILE, type ReportProblem, type Content, type Settings } from './spec.ts';

/** One document, or several by a template, and the file that is made of them. */
export interface FilePlan {
  /** Of the document; for a template a name of its own. */
  readonly key: string;
  readonly path: string;
  /** How it is made of several documents; undefined where it is one document. */
  readonly recipe: Recipe | undefined;
  /** Permission bits of a file that was not there. */
  readonly mode: number;
  readonly rules: Rules;
  /** Changes with all that a document may be refused by. */
  readonly fingerprint: string;
  readonly notification: Notification | undefined;
  /** Milliseconds. */
  readonly notifyTimeout: number;
  readonly verification: Verification | undefined;
  /** Milliseconds. */
  readonly startTimeout: number;
  /** What commands get beside PATH and the like, as NAME=VALUE or NAME. */
  readonly commandEnvironment: readonly string[];
}

/** How long health must last when CONFIG_VERIFY_FOR does not say, in milliseconds. */
const HEALTHY_FOR = 2000;
const BY_VERSION = parseExpectation('{version}');

/**
 * Make a plan of a file's settings.
 * @param maxSize largest document, in bytes
 * @param wrong is told of each mistake
 * @returns what is done; worth nothing when there were mistakes
 */
export async function planOf(
  { path, content, settings, maxSize }: { path: string; content: Content; settings: Settings; maxSize: number },
  wrong: ReportProblem,
): Promise<FilePlan> {
  const read = <T>(parameter: keyof Settings, parser: (text: string) => T): T | undefined => {
    const text = settings[parameter] as string | undefined;
    if (text === undefined) return undefined;
    try {
      return parser(text);
    } catch (error) {
      wrong(parameter, isDenied(error) ? unreadable(text, error) : (error as Error).message);
      return undefined;
    }
  };
  const syntax = syntaxOf(settings.CONFIG_FORMAT as Format, path);
  const compiler = settings.CONFIG_SCHEMA === undefined ? undefined : await import('../validate/schema.ts');
  const schema = read('CONFIG_SCHEMA', (file) => {
    const text = readFileSync(file, 'utf8');
    compiler!.schemaOf(text);
    return text;
  });
  if (schema !== undefined && syntax === 'text')
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
  const verification = verificationOf(settings, read);
  const recipe = await recipeOf(path, content, settings, wrong);
  const commandEnvironment = settings.CONFIG_COMMAND_ENV ?? [];
  const ruling = OF_A_FILE.filter((name) => name !== 'CONFIG_FILE_MODE').map((name) => settings[name]);
  const commands = [check, notification?.kind === 'command' ? notification.argv : undefined];
  return {
    key: 'key' in content ? content.key : `template:${path}`,
    path,
    recipe,
    mode: Number.parseInt(settings.CONFIG_FILE_MODE, 8),
    rules: { syntax, schema, check, checkTimeout: settings.CONFIG_CHECK_TIMEOUT, commandEnvironment },
    fingerprint: fingerprintOf(
      [ruling, schema, recipe, maxSize],
      commands.filter((argv) => argv !== undefined),
    ),
    notification,
    notifyTimeout: settings.CONFIG_NOTIFY_TIMEOUT,
    verification,
    startTimeout: settings.CONFIG_START_TIMEOUT,
    commandEnvironment,
  };
}

function verificationOf(
  settings: Settings,
  read: <T>(parameter: keyof Settings, parser: (text: string) => T) => T | undefined,
): Verification | undefined {
  const subject = read('CONFIG_VERIFY', parseSubject);
  const expectation: Expectation = read('CONFIG_VERIFY_EXPECT', parseExpectation) ?? BY_VERSION;
  return (
    subject && {
      subject,
      expectation,
      hold: settings.CONFIG_VERIFY_FOR ?? (subject.kind.startsWith('healthy') ? HEALTHY_FOR : 0),
      timeout: settings.CONFIG_VERIFY_TIMEOUT,
    }
  );
}

async function recipeOf(
  path: string,
  content: Content,
  settings: Settings,
  wrong: ReportProblem,
): Promise<Recipe | undefined> {
  if ('key' in content) return undefined;
  let template = '';
  try {
    template = readFileSync(content.template, 'utf8');
    (await import('../templates/template.ts')).checkTemplate(template);
  } catch (error) {
    const why = isDenied(error)
      ? unreadable(content.template, error)
      : `${content.template}: ${(error as Error).message}`;
    wrong('CONFIG_SPEC', `${path}: its template ${why}`);
  }
  return {
    key: `template:${path}`,
    template,
    timeout: settings.CONFIG_CHECK_TIMEOUT,
    documents: Object.entries(content.documents).map(([name, key]) => ({ name, key, syntax: syntaxOf('auto', key) })),
  };
}
