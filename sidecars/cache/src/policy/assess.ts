/** A response as the store sees it: everything that the policy says of it, found once. */
import { formatDate, parseDate } from './dates.ts';
import { responseDirectives } from './directives.ts';
import { namesOf, type FieldsView } from './fields.ts';
import { freshnessOf, initialAge } from './freshness.ts';
import { groupName, parseGroups, parseTags } from './groups.ts';
import type { Reusable } from './reuse.ts';
import type { PolicySettings } from './settings.ts';
import { excludedFields, NEVER_STORED, whyNotStored, type NotStored, type StoringRequest } from './storing.ts';
import { selectingFields, type Selecting } from './vary.ts';

/** Fields of a response: as a view, and one after another. */
export type ResponseFields = FieldsView & Iterable<readonly [string, string]>;

export interface Assessment extends Reusable {
  readonly status: number;
  /** Why it is not stored; undefined when it is. */
  readonly not: NotStored | undefined;
  /** The fields that are stored, as whole lines. */
  readonly lines: string;
  readonly selecting: Selecting;
  readonly tags: readonly string[];
}

/**
 * @param request what storing depends on, and its fields
 * @param times in milliseconds since the epoch: when it was asked for, and when its head came
 */
export function assess(
  request: StoringRequest & { readonly fields: FieldsView; readonly origin: string },
  response: { readonly status: number; readonly fields: ResponseFields },
  times: { readonly requestTime: number; readonly responseTime: number },
  settings: PolicySettings & { readonly tagField: string },
): Assessment {
  const { status, fields } = response;
  const { requestTime, responseTime } = times;
  const { directives, targeted } = responseDirectives(fields);
  const freshness = freshnessOf({ status, fields, responseTime }, directives, targeted, settings);
  const selecting = selectingFields(fields, request.fields);
  let not = whyNotStored(request, { status, fields, directives, targeted, freshness });
  if (selecting === undefined) not ??= 'vary';
  return {
    status,
    not,
    directives,
    freshness,
    initialAge: initialAge(fields, requestTime, responseTime),
    responseTime,
    staleSince: undefined,
    lines: not === undefined ? storedLines(fields, excludedFields(directives), responseTime) : '',
    selecting: selecting ?? [],
    tags:
      not === undefined
        ? [
            ...parseTags(fields.get(settings.tagField)),
            ...parseGroups(fields.get('cache-groups')).map((group) => groupName(request.origin, group)),
          ]
        : [],
  };
}

/**
 * The fields that are stored (RFC 9111, section 3.1), with a valid Date (RFC 9110, section 6.6.1).
 * @param excluded names in lower case
 */
export function storedLines(
  fields: Iterable<readonly [string, string]>,
  excluded: readonly string[],
  responseTime: number,
): string {
  let lines = '';
  let dated = false;
  const without = new Set(namesOf(excluded));
  for (const [name, value] of fields) {
    const lower = name.toLowerCase();
    if (NEVER_STORED.has(lower) || without.has(lower)) continue;
    if (lower === 'date') {
      if (dated || parseDate(value, responseTime) === undefined) continue;
      dated = true;
    }
    lines += `${name}: ${value}\r\n`;
  }
  return dated ? lines : `${lines}Date: ${formatDate(responseTime)}\r\n`;
}
