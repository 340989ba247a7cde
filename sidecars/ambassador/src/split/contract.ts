/** What the split mode takes and counts. */
import type { MetricDeclarations } from '#kit/telemetry/metrics.ts';
import type { Parameters } from '#kit/contract/parameters.ts';

const SERVER = /^(?:[\w.-]+|\[[0-9a-fA-F:.]+\]):\d{1,5}$/;
const A_SERVER = 'host:port';

export const splitParameters = {
  SPLIT_OLD: {
    type: 'string',
    pattern: SERVER,
    accepts: A_SERVER,
    description: 'split: the server of the version that is in use; required',
  },
  SPLIT_NEW: {
    type: 'string',
    pattern: SERVER,
    accepts: A_SERVER,
    description: 'split: the server of the version that is tried; required',
  },
  SPLIT_PERCENT: {
    type: 'string',
    default: '10',
    pattern: /^(?:100|\d{1,2}(?:\.\d)?)$/,
    accepts: 'a percentage from 0 to 100, with one decimal place at most',
    description: 'split: share of the visitors that the new version gets; with SPLIT_MIRROR: of the requests',
  },
  SPLIT_MIRROR: {
    type: 'boolean',
    default: 'false',
    description: 'split: the old version answers everything; the new one gets copies, and its answers are thrown away',
  },
  SPLIT_COOKIE: {
    type: 'string',
    default: 'split',
    pattern: /^[!#$%&'*+.^_`|~\w-]{1,64}$/,
    accepts: 'a cookie’s name of at most 64 characters',
    description: 'split: the cookie whose value decides on which side a visitor is',
  },
  SPLIT_SET_COOKIE: {
    type: 'boolean',
    default: 'true',
    description:
      'split: give the cookie to visitors who have none; otherwise it is the application’s own, and who has none gets the old version',
  },
  SPLIT_TIMEOUT: {
    type: 'duration',
    unit: 's',
    default: '2s',
    min: 50,
    max: 3_600_000,
    description:
      'split: an answer that takes longer to begin counts as an error; the new version’s request goes to the old one where it may be sent twice',
  },
  SPLIT_TOLERANCE: {
    type: 'integer',
    unit: 'percentage points',
    default: '1',
    min: 0,
    max: 100,
    description: 'split: the new version may make this many more errors than the old one',
  },
  SPLIT_RETURN: {
    type: 'duration',
    unit: 's',
    default: '30s',
    min: 100,
    max: 3_600_000,
    description:
      'split: how long the new version gets nothing after it was backed off, doubled with each relapse; then how long each step of its return takes',
  },
} as const satisfies Parameters;

export const splitMetrics = {
  split_answers: {
    type: 'counter',
    help: 'split: Answers of a version that count: of either, without those to requests from before a change of the share',
    bad: 'none of the new version while it has a share',
    labels: ['version'],
  },
  split_errors: {
    type: 'counter',
    help: 'split: Of these, errors: a status of 500 or more, none at all, or later than SPLIT_TIMEOUT',
    bad: 'a larger share of the new version’s answers than of the old one’s',
    labels: ['version'],
  },
  split_share_percent: {
    type: 'gauge',
    help: 'split: Share that the new version has at the moment',
    bad: 'below SPLIT_PERCENT for long',
  },
  split_backoffs: {
    type: 'counter',
    help: 'split: Times that the new version lost its share',
    bad: 'any: the new version fails or is slow',
    labels: ['reason'],
    known: { reason: ['errors', 'late'] },
  },
  split_fallbacks: {
    type: 'counter',
    help: 'split: Requests that the old version answered in place of the new one',
    bad: 'a rate that lasts: the new version does not take its requests',
  },
  split_mirrored: {
    type: 'counter',
    help: 'split: Copies for the new version',
    bad: 'outcomes other than answered',
    labels: ['outcome'],
  },
} as const satisfies MetricDeclarations;
