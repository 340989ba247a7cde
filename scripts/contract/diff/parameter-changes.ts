/** What changed in a contract's parameters, renames included. */
import type { ParameterDocument } from '#kit/contract/contract.ts';
import { parseValue, type Parameter } from '#kit/contract/parameter-types.ts';
import type { Change } from './change.ts';
import { compareAccepted } from './accepted-values.ts';
import { likelyRename } from './rename.ts';

type ParameterDocuments = Readonly<Record<string, ParameterDocument>>;

/**
 * Compare two sets of parameters. A parameter whose name became a deprecated alias of another is
 * that other one; what else changed about it counts as for any parameter, since those who still use
 * the alias feel it.
 * @returns the changes, and the new name of each old parameter that is still understood
 */
export function compareParameters(
  before: ParameterDocuments,
  after: ParameterDocuments,
): { changes: Change[]; successors: Map<string, string> } {
  const changes: Change[] = [];
  const successors = new Map<string, string>();
  const owners = new Map(
    Object.entries(after).flatMap(([name, { deprecated = [] }]) =>
      [name, ...deprecated].map((each) => [each, name] as const),
    ),
  );
  const added = new Set(Object.keys(after).filter((name) => !before[name]));
  // ADMIN_ADDRESS has one in every sidecar; a contract without any is from before they were written down.
  const patterns = Object.values(before).some(({ pattern }) => pattern !== undefined);

  for (const [name, parameter] of Object.entries(before)) {
    const owner = owners.get(name);
    if (owner === undefined) {
      changes.push(removal(name, parameter, after, added));
      continue;
    }
    successors.set(name, owner);
    added.delete(owner);
    const renamed =
      owner === name
        ? []
        : [
            {
              impact: 'addition' as const,
              subject: `parameter ${name}`,
              what: `is now called ${owner}, and understood by its old name as a deprecated alias`,
            },
          ];
    changes.push(
      ...renamed,
      ...compareParameter(name, parameter, owner, after[owner]!, patterns),
      ...compareAliases(name, parameter, owner, after, owners),
    );
  }
  for (const name of added) {
    const required = after[name]!.required;
    changes.push({
      impact: required ? 'breaking' : 'addition',
      subject: `parameter ${name}`,
      what: required ? 'is new and required' : 'is new',
      ...(required && { advice: 'give it a default that keeps the old behaviour' }),
    });
  }
  return { changes, successors };
}

function removal(name: string, parameter: ParameterDocument, after: ParameterDocuments, added: Set<string>): Change {
  const subject = `parameter ${name}`;
  const successor = likelyRename(name, parameter, after, [...added]);
  if (successor === undefined)
    return {
      impact: 'breaking',
      subject,
      what: 'is gone',
      advice: 'keep it for a major version, ignored and described as such, if nothing can be done with it',
    };
  // The rename is reported here; its target is not news besides, even when it is required.
  added.delete(successor);
  const unit =
    parameter.unit === after[successor]!.unit
      ? ''
      : ` Mind that its unit changes too, from ${parameter.unit ?? 'none'} to ${after[successor]!.unit ?? 'none'}, which an alias cannot hide.`;
  return {
    impact: 'breaking',
    subject,
    what: `was renamed to ${successor}, and its old name is an error now`,
    advice: `declare ${successor} with deprecated: ['${name}'], and anyone who sets ${name} gets a warning instead.${unit}`,
  };
}

function compareParameter(
  oldName: string,
  before: ParameterDocument,
  name: string,
  after: ParameterDocument,
  patterns: boolean,
): Change[] {
  const subject = `parameter ${name}`;
  const changes: Change[] = [];
  const breaking = (what: string, advice?: string): void =>
    void changes.push({ impact: 'breaking', subject, what, ...(advice && { advice }) });
  const alias = oldName === name ? '' : ` (and so does ${oldName})`;

  if (before.type !== after.type) breaking(`was of type ${before.type} and is now of type ${after.type}`);
  if (before.unit !== after.unit) {
    breaking(
      `counted in ${before.unit ?? 'no unit'} and now counts in ${after.unit ?? 'no unit'}${alias}: the same number means something else`,
      'give the new unit a new name, without an alias for the old one, and keep the old parameter for a major version',
    );
  }
  if (after.required && !before.required) breaking('is now required', 'give it a default that keeps the old behaviour');
  else if (before.required && !after.required)
    changes.push({ impact: 'addition', subject, what: 'is no longer required' });
  else if (before.default !== after.default) {
    if (before.type === after.type && sameValue(before, after))
      changes.push({ impact: 'wording', subject, what: `writes its default as ${after.default}, which is the same` });
    else breaking(`had ${defaultOf(before)} and now has ${defaultOf(after)}`);
  }
  if (before.secret && !after.secret) breaking(`is no longer a secret: ${name}_FILE is an error now`);
  if (!before.secret && after.secret)
    changes.push({ impact: 'addition', subject, what: `is now a secret, and may be given as ${name}_FILE` });
  if (before.type === after.type && before.unit === after.unit)
    changes.push(...compareAccepted(subject, before, after, patterns));
  if (before.description !== after.description)
    changes.push({ impact: 'wording', subject, what: 'is described otherwise' });
  return changes;
}

/** `5s` and `5000ms`, `on` and `true`: two texts of one value. */
function sameValue(before: ParameterDocument, after: ParameterDocument): boolean {
  const value = ({ type, unit, default: text }: ParameterDocument): string | undefined =>
    text === undefined ? undefined : JSON.stringify(parseValue({ type, unit, description: '' } as Parameter, text));
  try {
    return before.default !== undefined && before.type !== 'enum' && value(before) === value(after);
  } catch {
    return false;
  }
}

const defaultOf = ({ default: value }: ParameterDocument): string =>
  value === undefined ? 'no default' : `the default ${JSON.stringify(value)}`;

/** Former names count as long as they are understood, and as the same parameter. */
function compareAliases(
  name: string,
  { deprecated: before = [] }: ParameterDocument,
  owner: string,
  after: ParameterDocuments,
  owners: ReadonlyMap<string, string>,
): Change[] {
  const lost = before.flatMap((alias): Change[] => {
    const now = owners.get(alias);
    if (now === owner) return [];
    const what = now === undefined ? 'is gone' : `now means ${now}`;
    return [
      {
        impact: 'breaking',
        subject: `alias ${alias} of ${name}`,
        what,
        advice: `keep it in the deprecated names of ${owner}`,
      },
    ];
  });
  const gained = (after[owner]?.deprecated ?? []).filter((alias) => alias !== name && !before.includes(alias));
  return [
    ...lost,
    ...gained.map((alias): Change => ({ impact: 'addition', subject: `alias ${alias} of ${owner}`, what: 'is new' })),
  ];
}
