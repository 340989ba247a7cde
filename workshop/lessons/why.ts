/** Why a check is red, as far as several exercises say it. */
import { reasons } from '../languages/reasons.ts';

export const why = reasons({
  noExercise: {
    en: 'There is no exercise {wanted}. Exercises are: {known}',
    de: 'Es gibt keine Übung {wanted}. Übungen sind: {known}',
    es: 'No hay ningún ejercicio {wanted}. Los ejercicios son: {known}',
  },

  wait: {
    en: 'wait: {what} is not finished yet',
    de: 'warte: {what} ist noch nicht zu Ende',
    es: 'espera: {what} no ha terminado todavía',
  },

  // Files.
  missing: { en: '{name} is missing', de: '{name} fehlt', es: 'falta {name}' },
  noYaml: {
    en: '{name} is no YAML: {problem}',
    de: '{name} ist kein YAML: {problem}',
    es: '{name} no es YAML: {problem}',
  },
  notAnswered: {
    en: '{row}: nothing is said of {column}',
    de: '{row}: zu {column} steht nichts da',
    es: '{row}: no se dice nada de {column}',
  },
  notRight: {
    en: '{row}: {said} is not right for {column}',
    de: '{row}: {said} stimmt nicht für {column}',
    es: '{row}: {said} no es correcto para {column}',
  },

  // Containers.
  noContainer: {
    en: 'service {service} has no container yet',
    de: 'der Service {service} hat noch keinen Container',
    es: 'el servicio {service} no tiene contenedor todavía',
  },
  notRunning: {
    en: 'service {service} is {state} (exit code {code})',
    de: 'der Service {service} läuft nicht: {state} (Exit-Code {code})',
    es: 'el servicio {service} no está en marcha: {state} (código de salida {code})',
  },
  apart: {
    en: '{one} lives in {a}, {other} in {b}: they do not share a network',
    de: '{one} lebt in {a}, {other} in {b}: sie teilen kein Netzwerk',
    es: '{one} vive en {a}, {other} en {b}: no comparten red',
  },
  comesBack: {
    en: '{service} comes back after a crash',
    de: '{service} kommt nach einem Absturz zurück',
    es: '{service} vuelve después de una caída',
  },
  nobodyStarts: {
    en: '{service} has crashed, and nothing starts it again',
    de: '{service} ist abgestürzt, und nichts startet ihn wieder',
    es: '{service} se ha caído, y nada lo arranca otra vez',
  },

  // Ports and pages.
  notPublished: {
    en: 'port {inside} of no running service is published',
    de: 'kein laufender Service veröffentlicht den Port {inside}',
    es: 'ningún servicio en marcha publica el puerto {inside}',
  },
  publishesNot: {
    en: 'service {service} publishes no port {inside}',
    de: 'der Service {service} veröffentlicht keinen Port {inside}',
    es: 'el servicio {service} no publica el puerto {inside}',
  },
  status: {
    en: '{url} answers {status}: {text}',
    de: '{url} antwortet {status}: {text}',
    es: '{url} responde {status}: {text}',
  },
  breaksOff: {
    en: '{url} breaks off without an answer',
    de: '{url} bricht ohne Antwort ab',
    es: '{url} se corta sin responder',
  },
  adminSilent: {
    en: '{service} runs, and its admin port does not answer: its log says why',
    de: '{service} läuft, und sein Admin-Port antwortet nicht: sein Log sagt warum',
    es: '{service} está en marcha, y su puerto de administración no responde: su registro dice por qué',
  },
  notTheBoard: {
    en: 'a page answers, and it is not the departure board',
    de: 'eine Seite antwortet, aber es ist nicht die Abfahrtstafel',
    es: 'responde una página, y no es el panel de salidas',
  },

  // Contracts.
  notDeclared: {
    en: 'the Dockerfile does not declare {name}',
    de: 'das Dockerfile deklariert {name} nicht',
    es: 'el Dockerfile no declara {name}',
  },
  nothingChanged: {
    en: 'nothing has changed since the published version',
    de: 'seit der veröffentlichten Version hat sich nichts geändert',
    es: 'nada ha cambiado desde la versión publicada',
  },
  isGone: { en: '{what} is gone', de: '{what} ist weg', es: '{what} ya no está' },
  isOther: {
    en: '{what} is new or another one',
    de: '{what} ist neu oder anders',
    es: '{what} es nuevo u otro',
  },
  versionTooSmall: {
    en: '{change}; that is a {needed} change, and the version went from {from} to {to}',
    de: '{change}; das ist eine Änderung der Stufe „{needed}“, und die Version ging von {from} nach {to}',
    es: '{change}; es un cambio «{needed}», y la versión pasó de {from} a {to}',
  },

  // Time.
  notYetTried: {
    en: 'it is tried after your first change',
    de: 'wird nach deiner ersten Änderung versucht',
    es: 'se prueba después de tu primer cambio',
  },
  notWithin: {
    en: 'not within {seconds} s: {what}',
    de: 'nicht innerhalb von {seconds} s: {what}',
    es: 'no en {seconds} s: {what}',
  },
  notWithinBut: {
    en: 'not within {seconds} s: {what}: {seen}',
    de: 'nicht innerhalb von {seconds} s: {what}: {seen}',
    es: 'no en {seconds} s: {what}: {seen}',
  },
});
