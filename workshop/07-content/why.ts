/** Why a check of this exercise is red. */
import { reasons } from '../languages/reasons.ts';

export const why = reasons({
  notTheSite: {
    en: 'a page answers, and it is not the site',
    de: 'eine Seite antwortet, aber es ist nicht die Website',
    es: 'responde una página, y no es el sitio',
  },
  noWriter: {
    en: 'no container writes where nginx reads',
    de: 'kein Container schreibt dort, wo nginx liest',
    es: 'ningún contenedor escribe donde lee nginx',
  },
  writerEnded: {
    en: '{writers} wrote the content, and has ended',
    de: '{writers} hat den Inhalt geschrieben und ist zu Ende',
    es: '{writers} escribió el contenido, y ha terminado',
  },
  served: {
    en: 'what was pushed ("{word}") is served',
    de: 'was gepusht wurde („{word}“), wird ausgeliefert',
    es: 'se sirve lo que se subió («{word}»)',
  },
});
