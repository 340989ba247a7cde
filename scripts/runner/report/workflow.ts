/** What a CI's workflow is told besides: an annotation a failure, and a page that sums up. */
import type { Reporter } from '../events.ts';
import { annotationReporter } from './annotations.ts';
import { summaryReporter } from './summary.ts';

/** Reporters by the environment: CI, and GITHUB_STEP_SUMMARY with the file of the page. */
export function workflowReporters(print: (line: string) => void): Reporter[] {
  const { CI, GITHUB_STEP_SUMMARY: page } = process.env;
  return [...(CI ? [annotationReporter(print)] : []), ...(page ? [summaryReporter(page)] : [])];
}
