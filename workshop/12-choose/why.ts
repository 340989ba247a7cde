/** Why a check of this exercise is red. */
import { reasons } from '../languages/reasons.ts';

export const why = reasons({
  right: { en: '{right} of {all} are right', de: '{right} von {all} stimmen', es: '{right} de {all} son correctos' },
  notOfWebstats: {
    en: 'there are metrics, and none is of webstats',
    de: 'es gibt Metriken, aber keine von webstats',
    es: 'hay métricas, y ninguna es de webstats',
  },
  noServices: {
    en: 'compose.yaml has no services',
    de: 'compose.yaml hat keine Services',
    es: 'compose.yaml no tiene servicios',
  },
  noAdapter: {
    en: 'no service of compose.yaml answers with metrics: the catalogue has topz',
    de: 'kein Service in compose.yaml antwortet mit Metriken: der Katalog hat topz',
    es: 'ningún servicio de compose.yaml responde con métricas: el catálogo tiene topz',
  },
  otherNetwork: {
    en: '{adapter} is not in the network of the pod, whose port is asked',
    de: '{adapter} ist nicht im Netzwerk des Pods, dessen Port gefragt wird',
    es: '{adapter} no está en la red del pod, cuyo puerto se pregunta',
  },
  otherProcesses: {
    en: '{adapter} does not see the processes of webstats',
    de: '{adapter} sieht die Prozesse von webstats nicht',
    es: '{adapter} no ve los procesos de webstats',
  },
});
