/** The source of this page. */
import type { FileCourse } from '../server/document.ts';
import { fileSource } from './file-source.ts';
import { serverSource } from './server-source.ts';
import type { Source } from './source.ts';

const built = document.getElementById('course');

export const source: Source = built ? fileSource(JSON.parse(built.textContent) as FileCourse) : serverSource;
