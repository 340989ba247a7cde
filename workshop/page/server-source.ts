/** The page's data from the workshop's server. */
import { listen } from '#kit/page/live.ts';
import type { GoalDocument } from '../server/document.ts';
import type { Source } from './source.ts';
import { words } from './words.ts';

async function wish(path: string, asked: object): Promise<string> {
  try {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(path, { method: 'POST', headers, body: JSON.stringify(asked) });
    const { error = '' } = response.ok ? {} : ((await response.json()) as { error?: string });
    return error;
  } catch {
    return words.noAnswer;
  }
}

const json = async <T>(path: string): Promise<T> => (await fetch(path)).json() as Promise<T>;

export const serverSource: Source = {
  runs: true,
  listen: (told) => listen('/events', { ...told }, words),
  wish,
  slides: async () => (await json<{ slides: string }>('/notes')).slides,
  goals: async () => (await json<{ goals: readonly GoalDocument[] }>('/progress.json')).goals,
  async translate(language) {
    await wish('/language', { language });
    location.reload();
  },
};
