/** The questions of the quiz, as quiz.yaml has them. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { Language } from '../languages/languages.ts';
import { WORDS } from '../languages/words.ts';
import { isGoal, type GoalId } from '../lessons/goals.ts';
import type { Option, Question } from './question.ts';

type Raw = Readonly<Record<string, unknown>>;

const known = new Map<Language, readonly Question[]>();
const file = (name: string): string | undefined => {
  const path = join(import.meta.dirname, name);
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
};

/** The questions of this course, in the order in which they are asked. */
export function quiz(language: Language = 'en'): readonly Question[] {
  const all = known.get(language) ?? readQuiz(file('quiz.yaml')!, language, file(`quiz.${language}.yaml`));
  known.set(language, all);
  return all;
}

/**
 * Read a quiz.
 * @param text YAML: a list of questions, see quiz.yaml
 * @param translation YAML: of the same questions, what is said in another language
 * @throws {Error} that names the question and what is wrong with it
 */
export function readQuiz(text: string, language: Language = 'en', translation = '[]'): Question[] {
  const said = new Map((parse(translation) as Raw[]).map((each) => [each['id'], each]));
  const all = (parse(text) as Raw[]).map((each, index) =>
    question(
      translated(each, said.get(each['id'])),
      `question ${typeof each['id'] === 'string' ? each['id'] : index + 1}`,
      language,
    ),
  );
  const twice = all.find(({ id }, index) => all.findIndex((each) => each.id === id) !== index);
  if (twice) throw new Error(`question ${twice.id} is there twice`);
  return all;
}

/** A question with what a translation says of it; which option is right is said once. */
function translated(raw: Raw, said: Raw | undefined): Raw {
  if (!said) return raw;
  const options = (said['options'] ?? []) as readonly Raw[];
  return {
    ...raw,
    ...said,
    options: (raw['options'] as readonly Raw[]).map((each, index) => ({ ...each, ...options[index] })),
  };
}

function question(raw: Raw, name: string, language: Language): Question {
  const { id, goal, ask, code, options } = raw;
  const need = (holds: boolean, what: string): void => {
    if (!holds) throw new Error(`${name}: ${what}`);
  };
  need(typeof id === 'string' && /^[a-z][a-z-]*$/.test(id), 'id is a name in small letters');
  need(typeof goal === 'string' && isGoal(goal), `goal ${JSON.stringify(goal)} is none of the course`);
  need(typeof ask === 'string', 'ask is missing');
  need(code === undefined || typeof code === 'string', 'code is a text');
  const lines = typeof code === 'string' ? code.split('\n') : [];
  const all = (Array.isArray(options) ? (options as Record<string, unknown>[]) : []).map((each): Option => {
    const { text, line, right = false, why } = each;
    need(typeof why === 'string', 'an option does not say why');
    const said = typeof line === 'number' ? lines[line - 1]?.trim() : text;
    need(typeof said === 'string' && said !== '', 'an option has neither a text nor a line of the code');
    return {
      text: typeof line === 'number' ? `${WORDS[language].line(line)}: \`${said as string}\`` : (said as string),
      right: right === true,
      why: why as string,
    };
  });
  need(all.length >= 2, 'there is nothing to choose from');
  need(all.filter((each) => each.right).length === 1, 'exactly one option is right');
  return {
    id: id as string,
    goal: goal as GoalId,
    ask: ask as string,
    code: code === undefined ? undefined : (code as string).trimEnd(),
    options: all,
  };
}
