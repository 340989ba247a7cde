/** The page without a server: files that any web server serves, or that are opened from a disk. */
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../scripts/lib/stacks.ts';
import { bundle } from '../../scripts/setup/bundles/bundle.ts';
import { quiz } from '../course/quiz.ts';
import { slidesIn } from '../course/slides.ts';
import { LANGUAGES, type Language } from '../languages/languages.ts';
import { TERMINAL_WORDS } from '../languages/terminal/words.ts';
import { lessonIn, loadExercise, places } from '../lessons/exercise.ts';
import type { FileCourse } from '../server/document.ts';
import { html } from '../server/html.ts';

/**
 * Write the page: index.html in English, one more for each other language, a script and a style.
 * @param folder is made when it is missing; files of these names are replaced
 * @param reads what the one reads who is told where the page is
 * @returns an exit code
 */
export async function buildSite(
  folder: string,
  print: (line: string) => void,
  reads: Language = 'en',
): Promise<number> {
  await bundle();
  mkdirSync(folder, { recursive: true });
  for (const file of ['page.js', 'page.css']) copyFileSync(join(ROOT, 'workshop/dist', file), join(folder, file));
  for (const language of Object.keys(LANGUAGES) as Language[]) {
    const name = language === 'en' ? 'index.html' : `${language}.html`;
    writeFileSync(join(folder, name), html(language, JSON.stringify(await course(language))));
  }
  print(TERMINAL_WORDS[reads].siteIsIn(folder, join(folder, 'index.html')));
  return 0;
}

async function course(language: Language): Promise<FileCourse> {
  const lessons = places().map(async (place) => {
    const { name, number, lesson } = place;
    const { title, goal, steps, hints, recap, checks } = lessonIn(place, language);
    const musts = checks.length > 0 ? checks : (await loadExercise(place)).checks.map(({ must }) => must);
    return {
      name,
      number,
      title,
      minutes: lesson.minutes,
      goals: lesson.goals,
      goal,
      steps,
      hints,
      recap,
      checks: musts,
    };
  });
  return {
    lessons: await Promise.all(lessons),
    questions: quiz(language),
    slides: slidesIn(language),
  };
}
