/** Whether one share of errors is larger than another by more than chance. */

export interface Counts {
  /** Answers, errors among them. */
  readonly answers: number;
  readonly errors: number;
}

/**
 * Fisher's exact test, one-sided: if both made errors at the same rate, how probable would it be that
 * of all these errors at least this number fell to the first?
 * R. A. Fisher, Statistical Methods for Research Workers, section 21.02; the sum's terms are those of the hypergeometric distribution.
 * @returns a probability; 1 where either has no answers
 */
export function chanceOf(first: Counts, second: Counts): number {
  const all = first.answers + second.answers;
  const errors = first.errors + second.errors;
  if (first.answers === 0 || second.answers === 0 || errors === 0) return 1;
  const most = Math.min(errors, first.answers);
  const rest = all - first.answers;
  let term = Math.exp(
    lnChoose(first.answers, first.errors) + lnChoose(rest, errors - first.errors) - lnChoose(all, errors),
  );
  let sum = 0;
  for (let hits = first.errors; hits <= most; hits++) {
    sum += term;
    if (term < sum * 1e-12) break;
    // From the probability of `hits` to that of one more.
    term *= ((first.answers - hits) * (errors - hits)) / ((hits + 1) * (rest - errors + hits + 1));
  }
  return Math.min(1, sum);
}

/** The logarithm of a binomial coefficient. */
function lnChoose(n: number, k: number): number {
  return lnFactorial(n) - lnFactorial(k) - lnFactorial(n - k);
}

/** Sums of logarithms up to 255, and Stirling's series from there, which is exact to 1e-12 then. */
const SMALL = new Float64Array(256);
for (let n = 2; n < SMALL.length; n++) SMALL[n] = SMALL[n - 1]! + Math.log(n);

function lnFactorial(n: number): number {
  if (n < SMALL.length) return SMALL[n]!;
  return n * Math.log(n) - n + Math.log(2 * Math.PI * n) / 2 + 1 / (12 * n) - 1 / (360 * n ** 3);
}
