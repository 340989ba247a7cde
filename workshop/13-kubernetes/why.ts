/** Why a check of this exercise is red. */
import { reasons } from '../languages/reasons.ts';

export const why = reasons({
  refused: {
    en: 'compose.yaml:{line}: {message}',
    de: 'compose.yaml, Zeile {line}: {message}',
    es: 'compose.yaml, línea {line}: {message}',
  },
  notThere: { en: '{file} is not there yet', de: '{file} ist noch nicht da', es: '{file} no está todavía' },
  otherText: {
    en: '{file} is not what compose.yaml says',
    de: '{file} ist nicht das, was compose.yaml sagt',
    es: '{file} no es lo que dice compose.yaml',
  },
  notNative: {
    en: '{name} is {found}, and no native sidecar',
    de: '{name} ist {found} und kein natives Sidecar',
    es: '{name} es {found}, y no un sidecar nativo',
  },
  notTheApp: {
    en: 'shop is {found}, and not the application',
    de: 'shop ist {found} und nicht die Anwendung',
    es: 'shop es {found}, y no la aplicación',
  },
  absent: { en: 'not there', de: 'nicht da', es: '(no está)' },
  otherMembers: {
    en: 'something else is in the pod, or one of the three is not',
    de: 'etwas anderes ist im Pod, oder einer der drei fehlt',
    es: 'hay otra cosa en el pod, o falta uno de los tres',
  },
});
