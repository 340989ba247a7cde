/** Why a check of this exercise is red. */
import { reasons } from '../languages/reasons.ts';

export const why = reasons({
  notTheOffice: {
    en: 'a page answers, and it is not that of the office',
    de: 'eine Seite antwortet, aber es ist nicht die des Büros',
    es: 'responde una página, y no es la de la oficina',
  },
  stillInside: {
    en: 'the indexer still runs in the container of office',
    de: 'der Indexer läuft noch im Container von office',
    es: 'el indexador está todavía en el contenedor de office',
  },
  noIndexer: {
    en: 'no service "indexer" runs',
    de: 'es läuft kein Service „indexer“',
    es: 'no hay ningún servicio «indexer» en marcha',
  },
  otherProgram: {
    en: 'the service "indexer" does not run indexer.js',
    de: 'der Service „indexer“ führt indexer.js nicht aus',
    es: 'el servicio «indexer» no ejecuta indexer.js',
  },
  weights: {
    en: 'office weighs {office}, and indexer {indexer}',
    de: 'office wiegt {office} und indexer {indexer}',
    es: 'office pesa {office}, e indexer {indexer}',
  },
  everyCpu: {
    en: 'indexer may take every CPU',
    de: 'indexer darf jede CPU nehmen',
    es: 'indexer puede tomar todas las CPU',
  },
  cpus: {
    en: 'indexer may take {cpus} CPUs',
    de: 'indexer darf {cpus} CPUs nehmen',
    es: 'indexer puede tomar {cpus} CPU',
  },
  passed: { en: '{seconds} s have passed', de: '{seconds} s sind vergangen', es: 'han pasado {seconds} s' },
  taken: {
    en: 'indexer has taken {cpus} CPUs for {seconds} s',
    de: 'indexer hat {seconds} s lang {cpus} CPUs genommen',
    es: 'indexer ha tomado {cpus} CPU durante {seconds} s',
  },
  allMemory: {
    en: 'indexer may take all memory',
    de: 'indexer darf allen Speicher nehmen',
    es: 'indexer puede tomar toda la memoria',
  },
  memory: {
    en: 'indexer may take {mib} MiB',
    de: 'indexer darf {mib} MiB nehmen',
    es: 'indexer puede tomar {mib} MiB',
  },
  grows: { en: 'indexer takes memory', de: 'indexer nimmt Speicher', es: 'indexer toma memoria' },
  endedAndBack: {
    en: 'indexer is ended and comes back',
    de: 'indexer wird beendet und kommt zurück',
    es: 'se termina indexer, y vuelve',
  },
  officeToo: {
    en: 'office was started anew, too',
    de: 'auch office wurde neu gestartet',
    es: 'también arrancó de nuevo office',
  },
});
