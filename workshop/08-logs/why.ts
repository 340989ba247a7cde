/** Why a check of this exercise is red. */
import { reasons } from '../languages/reasons.ts';

export const why = reasons({
  arrives: {
    en: 'the latest order has arrived, and no further one comes',
    de: 'die letzte Bestellung ist da, und keine weitere kommt',
    es: 'ha llegado el último pedido, y no viene ninguno más',
  },
  lost: {
    en: '{count} of {all} orders are lost',
    de: '{count} von {all} Bestellungen sind verloren',
    es: 'se han perdido {count} de {all} pedidos',
  },
  twice: {
    en: '{count} of {all} orders are there more than once',
    de: '{count} von {all} Bestellungen sind mehr als einmal da',
    es: '{count} de {all} pedidos están más de una vez',
  },
});
