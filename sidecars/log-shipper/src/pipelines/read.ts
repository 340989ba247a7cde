/** The file of PIPELINES_FILE: which files' lines are treated otherwise than the parameters say, and how. */
import { readFileSync, statSync } from 'node:fs';
import { whyUnreadable } from '#kit/files/remedy.ts';
import { parseValue, Unacceptable, type Parameter } from '#kit/contract/parameter-types.ts';
import { ConfigurationError, type Problem } from '#kit/contract/parameters.ts';
import { suggestion } from '#kit/text/suggestion.ts';
import { compileGlob, parseGlob, type Glob } from './glob.ts';
import { compilePattern } from '../lines/rules.ts';
import { compileTimePattern } from '../lines/time-pattern.ts';
import { NotYaml, parseTree, type Node } from './document.ts';
import { KEYS, SETTINGS, type LineSettings } from '../lines/settings.ts';

const PARAMETER = 'PIPELINES_FILE';
const BYTES_MAX = 64 * 1024;
const PIPELINES_MAX = 100;
/** A value or key in a message is cut there, in characters. */
const SHOWN = 40;

const KNOWN = ['paths', ...KEYS.keys()];
const ACCEPTED = 'a list of {paths: [/path, …], service: NAME, …}';
/** What a text has to be accepted by, beside its parameter's type. */
const COMPILERS: Partial<Record<keyof LineSettings, (name: string, text: string) => unknown>> = {
  MULTILINE_START: compilePattern,
  LINE_DROP: compilePattern,
  LINE_REDACT: compilePattern,
  LINE_TIME_PATTERN: compileTimePattern,
};

/** A pipeline as it is written, with what it does not say from the parameters. */
export interface Entry {
  readonly globs: readonly Glob[];
  readonly settings: LineSettings;
}

/**
 * Read the file.
 * @param defaults what the parameters say
 * @throws {ConfigurationError} with all that is wrong, one line each, named by file and line
 */
export function readPipelines(file: string, defaults: LineSettings): Entry[] {
  const refuse = (what: string): never => {
    const message = `${PARAMETER}: ${file} ${what}; accepted is a YAML file of at most ${BYTES_MAX} bytes`;
    throw new ConfigurationError([{ parameter: PARAMETER, reason: 'unreadable', message }]);
  };
  let bytes: Buffer;
  try {
    const stat = statSync(file);
    if (!stat.isFile()) return refuse('is no file');
    if (stat.size > BYTES_MAX) return refuse(`has ${stat.size} bytes`);
    bytes = readFileSync(file);
  } catch (error) {
    if (error instanceof ConfigurationError) throw error;
    return refuse(whyUnreadable(file, error));
  }
  return parsePipelines(bytes.toString(), file, defaults);
}

/**
 * Read the file's text.
 * @param file its name, for messages
 * @throws {ConfigurationError} with all that is wrong, one line each, named by file and line
 */
export function parsePipelines(text: string, file: string, defaults: LineSettings): Entry[] {
  const problems: Problem[] = [];
  const wrong: Complain = (line, what, reason = 'malformed') =>
    void problems.push({ parameter: PARAMETER, reason, message: `${PARAMETER}: ${file}, line ${line}: ${what}` });
  const entries = entriesOf(text, defaults, wrong);
  if (problems.length > 0) throw new ConfigurationError(problems);
  return entries;
}

type Complain = (line: number, what: string, reason?: Problem['reason']) => void;

function entriesOf(text: string, defaults: LineSettings, wrong: Complain): Entry[] {
  let root: Node | undefined;
  try {
    root = parseTree(text);
  } catch (error) {
    if (!(error instanceof NotYaml)) throw error;
    wrong(error.line, error.message);
    return [];
  }
  if (root?.kind !== 'list' || root.items.length === 0) {
    wrong(root?.line ?? 1, `not a list of pipelines; accepted is ${ACCEPTED}`);
    return [];
  }
  const beyond = root.items[PIPELINES_MAX];
  if (beyond) {
    wrong(beyond.line, `more than ${PIPELINES_MAX} pipelines`);
    return [];
  }
  return root.items.map((each) => entryOf(each, defaults, wrong));
}

function entryOf(node: Node, defaults: LineSettings, wrong: Complain): Entry {
  const settings: Record<string, unknown> = { ...defaults };
  let globs: readonly Glob[] = [];
  if (node.kind !== 'mapping') {
    wrong(node.line, `not a pipeline; accepted is {paths: [/path, …], service: NAME, …}`);
    return { globs, settings: defaults };
  }
  const given = new Set<string>();
  for (let at = 0; at < node.items.length; at += 2) {
    const key = node.items[at]!;
    const value = node.items[at + 1]!;
    const name = key.kind === 'text' ? key.text : '';
    const parameter = KEYS.get(name);
    if (given.has(name)) wrong(key.line, `${show(name)} is given twice`, 'conflict');
    else if (name === 'paths') globs = pathsOf(value, wrong);
    else if (parameter !== undefined) settings[parameter] = settingOf(name, parameter, value, defaults, wrong);
    else
      wrong(
        key.line,
        `${show(name)} is no key of a pipeline${suggestion(name.slice(0, SHOWN), KNOWN)}; accepted are ${KNOWN.join(', ')}`,
        'unknown',
      );
    given.add(name);
  }
  if (!given.has('paths')) wrong(node.line, 'paths is missing; accepted is a list of absolute paths', 'missing');
  return { globs, settings: settings as LineSettings };
}

function pathsOf(node: Node, wrong: Complain): Glob[] {
  const accepted = 'absolute paths; * ? [a-z] match within a name, /**/ any directories';
  return listOf('paths', node, /^\/\S*[^\s/]$/, `one or more ${accepted}`, wrong).flatMap(({ text, line }) => {
    const [glob] = attempt(line, wrong, () => [compileGlob('paths', text, parseGlob)]);
    return glob ?? [];
  });
}

/** The texts of a list; one text alone is a list of one. */
function listOf(
  name: string,
  node: Node,
  pattern: RegExp,
  accepted: string,
  wrong: Complain,
): { text: string; line: number }[] {
  const items = node.kind === 'list' ? node.items : [node];
  if (items.length === 0 && name === 'paths') wrong(node.line, `${name} is empty; accepted is ${accepted}`);
  return items.flatMap((item) => {
    if (item.kind === 'text' && !item.absent && pattern.test(item.text) && !/\p{Cc}/u.test(item.text)) return item;
    wrong(item.line, `${name}: ${describe(item)}; accepted is ${accepted}`);
    return [];
  });
}

function settingOf(
  name: string,
  parameter: keyof LineSettings,
  node: Node,
  defaults: LineSettings,
  wrong: Complain,
): unknown {
  const declared: Parameter = SETTINGS[parameter];
  if (parameter === 'LABELS')
    return listOf(name, node, SETTINGS.LABELS.pattern, 'a list of name=value', wrong).map(({ text }) => text);
  const none = declared.default === undefined ? ', or "" for none' : '';
  if (node.kind !== 'text' || node.absent) {
    wrong(node.line, `${name}: ${describe(node)}; accepted is a text${none}`);
    return defaults[parameter];
  }
  // What the parameters say for all files is taken back for these.
  if (node.text === '' && declared.default === undefined) return undefined;
  try {
    const value = parseValue(declared, node.text);
    const compile = COMPILERS[parameter];
    if (compile !== undefined) attempt(node.line, wrong, () => [compile(name, node.text)]);
    return value;
  } catch (error) {
    if (!(error instanceof Unacceptable)) throw error;
    wrong(node.line, `${name}: ${show(node.text)} ${error.message}; accepted is ${error.accepted}`);
    return defaults[parameter];
  }
}

/** What is made, or nothing when it cannot be: why is told. */
function attempt<T>(line: number, wrong: Complain, make: () => T[]): T[] {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    for (const { message } of error.problems) wrong(line, message.replaceAll(/\p{Cc}/gu, ' '));
    return [];
  }
}

function describe(node: Node): string {
  if (node.kind === 'alias') return 'an alias is not followed';
  if (node.kind !== 'text') return `a ${node.kind} is no text`;
  return node.absent ? 'nothing is written there' : `${show(node.text)} is malformed`;
}

const show = (text: string): string => JSON.stringify(text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text);
