/** What the terminal's commands say, in English. The other languages have the same keys: the compiler and a test see to it. */
export const en = {
  begun: 'begun',
  done: 'done',
  minutes: (count: number) => `${count} min`,
  hints: (count: number) => `${count} hint${count === 1 ? '' : 's'}`,
  yourFiles: (folder: string) => `Your files: ${folder}`,
  compose: (complaint: string) => `compose: ${complaint}`,
  allGreen: 'All green. Ctrl-C to leave; npm run workshop -- list says what comes next.',
  leftUp: (number: string) => `Left up. To remove its containers:\n    npm run workshop -- stop ${number}`,
  removing: 'Removing its containers …',
  gone: 'They are gone; files and volumes stay.',
  goOn: (number: string) => `To go on:\n    npm run workshop -- run ${number}`,
  noMoreHints: 'There is no further hint.',
  asInTheBeginning: (folder: string) => `${folder} is as it was in the beginning.`,
  solutionLaid: (folder: string) => `A solution is in ${folder}; what was yours is kept as NAME.yours.`,
  see: (number: string) => `See: npm run workshop -- check ${number}`,
  stopped: (exercise: string, folder: string) =>
    `The containers of ${exercise} are gone; your files stay in ${folder}.`,
  question: (at: number, all: number, goal: string) => `${at} of ${all} · ${goal}`,
  answeredRight: (right: number, all: number) => `${right} of ${all} are answered right.`,
  askedAgain: 'Those that are not are asked again: npm run workshop -- quiz',
  yourAnswer: (first: string, last: string) => `Your answer, ${first} to ${last}, or q to leave:`,
  quiz: (right: number, all: number) => `quiz: ${right} of ${all}`,
  languageIs: (name: string) => `Lessons, checks, quiz and slides are in ${name} now.`,
  givesASentence: (number: number) => `exercise ${number} gives you a sentence here`,
  oneMinute: '60 seconds',
  fiveMinutes: 'Five minutes',
};

export type TerminalWords = typeof en;
