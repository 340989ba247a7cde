/** Why a check of this exercise is red. */
import { reasons } from '../languages/reasons.ts';

export const why = reasons({
  logSaysWhy: {
    en: '{container} is {state}: its log says why',
    de: '{container} läuft nicht ({state}): sein Log sagt warum',
    es: '{container} no está en marcha ({state}): su registro dice por qué',
  },
  crowded: {
    en: '{boards} share the network of {owner}',
    de: '{boards} teilen das Netzwerk von {owner}',
    es: '{boards} comparten la red de {owner}',
  },
  onePod: {
    en: 'there is one pod with a board',
    de: 'es gibt einen einzigen Pod mit einer Tafel',
    es: 'hay un solo pod con un panel',
  },
  noPod: {
    en: 'no board has joined a pod',
    de: 'keine Tafel ist einem Pod beigetreten',
    es: 'ningún panel se ha unido a un pod',
  },
  sidecars: {
    en: '{owner} has {count} sidecars',
    de: '{owner} hat {count} Sidecars',
    es: '{owner} tiene {count} sidecars',
  },
  addresses: {
    en: '{pods} pods have a board, and the name has {addresses} addresses',
    de: '{pods} Pods haben eine Tafel, und der Name hat {addresses} Adressen',
    es: '{pods} pods tienen un panel, y el nombre tiene {addresses} direcciones',
  },
  answersWith: {
    en: '{address} answers over HTTPS with {answer}',
    de: '{address} antwortet über HTTPS mit {answer}',
    es: '{address} responde por HTTPS con {answer}',
  },
  goesOn: {
    en: 'the name answers without the pod that is stopped',
    de: 'der Name antwortet ohne den Pod, der gestoppt ist',
    es: 'el nombre responde sin el pod que está parado',
  },
  bothAgain: { en: 'both pods answer again', de: 'beide Pods antworten wieder', es: 'ambos pods responden otra vez' },
});
