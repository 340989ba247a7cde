/**
 * Buckets of a native histogram: bounds are powers of two and equal steps between them, so nobody chooses them, and
 * quantiles are as exact for a microsecond as for a minute.
 * Source: https://prometheus.io/docs/specs/native_histograms/
 */

/** Plain data, so that processes can tell each other. */
export interface NativeBuckets {
  /** Each power of two is cut into 2^schema buckets. */
  schema: number;
  /** Observations up to ZERO_THRESHOLD. */
  zero: number;
  /** Bucket `index` holds what is above `2^((index - 1) / 2^schema)`, up to `2^(index / 2^schema)`. */
  first: number;
  /** Of the buckets from `first` on. */
  counts: number[];
}

/** Buckets are at most 9 % wide. */
const FINEST = 3;
/** What is smaller counts as zero, and what is larger as the largest: no value can make buckets coarser than 2^1. */
export const ZERO_THRESHOLD = 2 ** -30;
const LARGEST = 2 ** 60;
/** Most buckets of a series; before there are more, each two become one. */
export const MAX_BUCKETS = 160;

export const noBuckets = (): NativeBuckets => ({ schema: FINEST, zero: 0, first: 0, counts: [] });

/** Count one observation, of what is never negative: seconds or bytes. */
export function observeNative(into: NativeBuckets, value: number): void {
  if (!(value > ZERO_THRESHOLD)) into.zero += 1;
  else add(into, Math.ceil(Math.log2(Math.min(value, LARGEST)) * 2 ** into.schema), 1);
}

/** Both together, with the coarser buckets of the two. */
export function joinNative(one: NativeBuckets, other: NativeBuckets): NativeBuckets {
  const joined: NativeBuckets = { ...one, zero: one.zero + other.zero, counts: [...one.counts] };
  const added: NativeBuckets = { ...other, counts: [...other.counts] };
  while (joined.schema > added.schema) halve(joined);
  while (added.schema > joined.schema) halve(added);
  for (const [place, count] of added.counts.entries())
    // Each addition may make the joined ones coarser.
    add(joined, Math.ceil((added.first + place) / 2 ** (added.schema - joined.schema)), count);
  return joined;
}

/** @param index by the schema of `into` */
function add(into: NativeBuckets, index: number, count: number): void {
  let at = index;
  if (into.counts.length === 0) into.first = at;
  while (Math.max(at, into.first + into.counts.length - 1) - Math.min(at, into.first) >= MAX_BUCKETS) {
    halve(into);
    at = Math.ceil(at / 2);
  }
  if (at < into.first) {
    into.counts.unshift(...Array.from({ length: into.first - at }, () => 0));
    into.first = at;
  }
  while (into.first + into.counts.length <= at) into.counts.push(0);
  into.counts[at - into.first]! += count;
}

/** Half as many buckets, twice as wide. */
function halve(buckets: NativeBuckets): void {
  const first = Math.ceil(buckets.first / 2);
  const counts: number[] = [];
  for (const [place, count] of buckets.counts.entries()) {
    const at = Math.ceil((buckets.first + place) / 2) - first;
    counts[at] = (counts[at] ?? 0) + count;
  }
  buckets.schema -= 1;
  buckets.first = first;
  buckets.counts = counts;
}
