/** Why a check of this exercise is red. */
import { reasons } from '../languages/reasons.ts';

export const why = reasons({
  otherService: {
    en: 'answer.yaml names another service than the one that topz shows',
    de: 'answer.yaml nennt einen anderen Service als den, den topz zeigt',
    es: 'answer.yaml nombra otro servicio que el que muestra topz',
  },
  otherProgram: {
    en: 'answer.yaml names another program than topz shows',
    de: 'answer.yaml nennt ein anderes Programm, als topz zeigt',
    es: 'answer.yaml nombra otro programa que el que muestra topz',
  },
  noProcess: {
    en: 'topz sees no process of {service}',
    de: 'topz sieht keinen Prozess von {service}',
    es: 'topz no ve ningún proceso de {service}',
  },
  notMeasured: {
    en: 'topz has not measured {service} yet',
    de: 'topz hat {service} noch nicht gemessen',
    es: 'topz no ha medido {service} todavía',
  },
  takes: {
    en: '{service} takes {percent} % of a processor',
    de: '{service} nimmt {percent} % eines Prozessors',
    es: '{service} toma {percent} % de un procesador',
  },
  goesOn: {
    en: '{program} does not run: it must go on',
    de: '{program} läuft nicht: es muss weiterlaufen',
    es: '{program} no está en marcha: debe seguir',
  },
  noWeb: {
    en: 'the web server answers nothing',
    de: 'der Webserver antwortet nichts',
    es: 'el servidor web no responde nada',
  },
});
