/** Why a check of this exercise is red. */
import { reasons } from '../languages/reasons.ts';

export const why = reasons({
  noAnswer: {
    en: 'the shop does not answer in the shape {shape}: {says}',
    de: 'der Laden antwortet nicht in der Form {shape}: {says}',
    es: 'la tienda no responde en la forma {shape}: {says}',
  },
  memory: {
    en: 'memory: {said} MiB for {shape}, and its proxies take {truth}',
    de: 'memory: {said} MiB für {shape}, und seine Proxys nehmen {truth}',
    es: 'memory: {said} MiB para {shape}, y sus proxies toman {truth}',
  },
  everyShape: { en: 'every shape answers again', de: 'jede Form antwortet wieder', es: 'cada forma responde otra vez' },
});
