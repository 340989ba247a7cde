/** Why a command line or a wish of the page is refused. */
import { reasons } from '../languages/reasons.ts';

export const why = reasons({
  takesNoExercise: {
    en: '{command} takes no exercise',
    de: '{command} nimmt keine Übung',
    es: '{command} no toma ningún ejercicio',
  },
  takesOneExercise: {
    en: '{command} takes one exercise',
    de: '{command} nimmt eine Übung',
    es: '{command} toma un ejercicio',
  },
  takesOneFolder: {
    en: '{command} takes one folder',
    de: '{command} nimmt einen Ordner',
    es: '{command} toma una carpeta',
  },
  takesOneCode: {
    en: 'language takes one code: {codes}',
    de: 'language nimmt einen Code: {codes}',
    es: 'language toma un código: {codes}',
  },
  noCommand: {
    en: 'there is no command {command}; commands are {known}',
    de: 'es gibt keinen Befehl {command}; Befehle sind {known}',
    es: 'no hay ninguna orden {command}; las órdenes son {known}',
  },
  notWhole: {
    en: '{name} {text}: accepted is a whole number from {least} to {most}',
    de: '{name} {text}: möglich ist eine ganze Zahl von {least} bis {most}',
    es: '{name} {text}: se acepta un número entero de {least} a {most}',
  },
  nothingAt: {
    en: 'there is nothing at {folder}',
    de: 'unter {folder} ist nichts',
    es: 'no hay nada en {folder}',
  },
});
