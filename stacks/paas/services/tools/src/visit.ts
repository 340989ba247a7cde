/** Visitors who ask for a page again and again, each time over a connection of its own. */
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';

export interface VisitReport {
  /** Whole answers with status 200. */
  readonly answered: number;
  /** Answers by the version that their parts bear, in the order in which they were first seen. */
  readonly versions: Readonly<Record<string, number>>;
  /** Answers whose parts bear different versions. */
  readonly mixed: readonly string[];
  /** Other statuses, and answers that began and did not end. */
  readonly failed: readonly string[];
  /** Attempts that got not a byte: nobody listened, or who did closed before taking the connection. */
  readonly refused: number;
  /** The longest time, in milliseconds, that a visitor tried again and again without an answer. */
  readonly longestRefusal: number;
}

const VISITORS = 4;
/** Pause between two visits of one visitor, and between two attempts to connect, in milliseconds. */
const REST = 5;
const DEADLINE = 10_000;

/** An attempt that ended before the first byte of an answer. */
class Unanswered extends Error {}

/**
 * Visit until the signal aborts.
 * @param begun called after the first answer
 */
export async function visit(url: string, signal: AbortSignal, begun: () => void): Promise<VisitReport> {
  const report = {
    answered: 0,
    versions: {} as Record<string, number>,
    mixed: [] as string[],
    failed: [] as string[],
    refused: 0,
    longestRefusal: 0,
  };
  const visitor = async (): Promise<void> => {
    let refusedSince: number | undefined;
    while (!signal.aborted) {
      try {
        const { status, body } = await fetchPage(url);
        if (refusedSince !== undefined)
          report.longestRefusal = Math.max(report.longestRefusal, Math.round(performance.now() - refusedSince));
        refusedSince = undefined;
        const versions = [...new Set(body.match(/Version \d+/g))];
        if (status !== 200) report.failed.push(`status ${status}`);
        else if (versions.length !== 1) report.mixed.push(versions.join(', '));
        else {
          if (report.answered === 0) begun();
          report.answered += 1;
          report.versions[versions[0]!] = (report.versions[versions[0]!] ?? 0) + 1;
        }
      } catch (error) {
        if (error instanceof Unanswered) {
          report.refused += 1;
          refusedSince ??= performance.now();
        } else report.failed.push((error as NodeJS.ErrnoException).code ?? (error as Error).message);
      }
      await pause(REST);
    }
  };
  await Promise.all(Array.from({ length: VISITORS }, visitor));
  return report;
}

async function fetchPage(url: string): Promise<{ status: number; body: string }> {
  const request = get(url, { agent: false });
  request.setTimeout(DEADLINE, () => request.destroy(new Error(`no answer for ${DEADLINE / 1000} s`)));
  const [response] = (await once(request, 'response').catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ECONNREFUSED' || error.code === 'ECONNRESET' ? new Unanswered() : error;
  })) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return { status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() };
}
