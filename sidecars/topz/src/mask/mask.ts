/**
 * Secrets in command lines, masked. A user who may see a process may read its arguments, so programs
 * should not take secrets there; many do.
 *
 * In doubt a value is hidden: `***` where nothing was secret does no harm.
 */
import { isSecretName } from './names.ts';
import { secretOptionsOf, type SecretOptions } from './programs.ts';
import { MASK, maskText } from './text.ts';
import { joinWords, splitWords } from './words.ts';

export { MASK } from './text.ts';

export interface MaskOptions {
  /** False shows everything. */
  readonly enabled: boolean;
  /** Whatever it matches in a command line is masked, too; it has the `g` flag. */
  readonly pattern?: RegExp | undefined;
}

/** Turns arguments into the text that people see. */
export type Mask = (args: readonly string[]) => string;

/**
 * Make a mask.
 * @param options what to hide beyond what is known
 */
export function createMask({ enabled, pattern }: MaskOptions): Mask {
  if (!enabled) return (args) => args.join(' ');
  return (args) => {
    const text = maskArguments(args, true).join(' ');
    return pattern ? text.replace(pattern, MASK) : text;
  };
}

/** `--name=value`, `-Dname=value`, `NAME=value`, `/p:value`: the value is all the rest, blanks and all. */
const ASSIGNMENT = /^([-/]{0,2}[A-Za-z_][\w.:-]*[=]|\/p(?:assword)?:)([\s\S]*)$/;
const OPTION = /^--?[A-Za-z][\w.-]*$/;
/** A header's name alone, its value to come: `Authorization:` `Bearer` `…`. */
const FIELD = /^["']?([A-Za-z][\w-]*):$/;
/** `--user joe:SECRET`, whatever the program: `docker run --user 1000:1000` has none. */
const USER_OPTION = /^--?(?:[a-z\d]+-)*(?:user|userpwd|login)$/i;
const WITH_PASSWORD = /^(?!\d+:\d+$)([^:\s]*:)[\s\S]+$/;
/** The scheme before a credential, which is no secret itself. */
const SCHEME = /^(?:bearer|basic|token|digest)$/i;

function maskArguments(args: readonly string[], nested: boolean): string[] {
  let program = secretOptionsOf('');
  let next = false;
  let user = false;
  return args.map((arg, index) => {
    if (next) {
      next = SCHEME.test(arg);
      return next ? arg : MASK;
    }
    if (user) {
      user = false;
      const [, name] = WITH_PASSWORD.exec(arg) ?? [];
      if (name !== undefined) return name + MASK;
    }
    program = secretOptionsOf(arg) ?? program;
    const last = index === args.length - 1 && index > 1;
    if (last && program?.lastWith && args.some((each) => isShort(each) && each.includes(program!.lastWith!)))
      return MASK;
    // Before names: what is glued to `-p` may look like one.
    const short = isShort(arg) ? arg[1]! : '';
    if (short && program?.attached?.includes(short) && arg.length > 2) return arg.slice(0, 2) + MASK;
    // `curl -u X`, `curl -uX` and `curl -sSu X`.
    if (/^-[A-Za-z]+$/.test(arg) && program?.valued?.includes(arg.at(-1)!)) {
      next = true;
      return arg;
    }
    if (short && program?.valued?.includes(short)) return arg.slice(0, 2) + MASK;
    // A scheme of its own: `Bearer` `…`, in whatever header they end up.
    if (/^bearer$/i.test(arg)) {
      next = true;
      return arg;
    }
    const [, name, value] = ASSIGNMENT.exec(arg) ?? [];
    if (name !== undefined && value !== '') {
      const option = name.slice(0, -1);
      if (name.startsWith('/p') || isSecretName(name) || isLong(option, program)) return name + MASK;
    }
    if (name !== undefined && USER_OPTION.test(name.slice(0, -1)) && WITH_PASSWORD.test(value!))
      return name + value!.replace(WITH_PASSWORD, `$1${MASK}`);
    user = USER_OPTION.test(arg);
    if ((OPTION.test(arg) && isSecretName(arg)) || isSecretName(FIELD.exec(arg)?.[1] ?? '') || isLong(arg, program)) {
      next = true;
      return arg;
    }
    return nested && /\s/.test(arg) ? maskCommand(arg) : maskText(arg);
  });
}

/** `--oauth2-bearer`, or `-passin`: an option whose value is secret, which its name does not say. */
const isLong = (arg: string, program: SecretOptions | undefined): boolean =>
  program?.long?.includes(arg.replace(/^--?/, '')) === true && arg.startsWith('-');

const isShort = (arg: string): boolean => arg.length > 1 && arg[0] === '-' && arg[1] !== '-';

/** An argument that holds words: perhaps a command of its own, as after `sh -c`, or a title. */
function maskCommand(text: string): string {
  // First as a text: a header's value goes on over blanks.
  const { words, between } = splitWords(maskText(text));
  return joinWords({ words: maskArguments(words, false), between });
}
