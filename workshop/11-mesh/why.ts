/** Why a check of this exercise is red. */
import { reasons } from '../languages/reasons.ts';

export const why = reasons({
  adminStatus: {
    en: '{proxy} answers {status} on its admin port',
    de: '{proxy} antwortet an seinem Admin-Port {status}',
    es: '{proxy} responde {status} en su puerto de administración',
  },
  writesDown: {
    en: '{proxy} writes down the request for {product}',
    de: '{proxy} schreibt die Anfrage nach {product} auf',
    es: '{proxy} anota la petición de {product}',
  },
  notTheCatalogue: {
    en: 'a page answers, and it is not from the catalogue',
    de: 'eine Seite antwortet, aber sie ist nicht aus dem Katalog',
    es: 'responde una página, y no es del catálogo',
  },
  inTheClear: {
    en: 'the catalogue was asked in the clear',
    de: 'der Katalog wurde ohne TLS gefragt',
    es: 'se preguntó al catálogo sin cifrar',
  },
  askedBy: {
    en: 'the catalogue was asked by {who}',
    de: 'den Katalog hat {who} gefragt',
    es: 'preguntó al catálogo {who}',
  },
  nobodyKnown: { en: 'nobody it knows', de: 'niemand, den er kennt,', es: 'nadie que él conozca' },
  noCatalogue: {
    en: 'the stranger reaches no catalogue: {problem}',
    de: 'der Fremde erreicht keinen Katalog: {problem}',
    es: 'el extraño no llega al catálogo: {problem}',
  },
  strangerGets: {
    en: 'the stranger is answered {answer}',
    de: 'der Fremde bekommt die Antwort {answer}',
    es: 'al extraño se le responde {answer}',
  },
  nothing: { en: 'nothing', de: '(keine)', es: '(nada)' },
  noSecondTry: {
    en: 'the answer came without a second try',
    de: 'die Antwort kam ohne einen zweiten Versuch',
    es: 'la respuesta llegó sin un segundo intento',
  },
  noneServed: {
    en: 'none of {all} customers was served: {answer}',
    de: 'von {all} Kunden wurde keiner bedient: {answer}',
    es: 'no se sirvió a ninguno de {all} clientes: {answer}',
  },
  allWait: {
    en: 'all {all} customers wait for a catalogue that is slow',
    de: 'alle {all} Kunden warten auf einen Katalog, der langsam ist',
    es: 'los {all} clientes esperan a un catálogo que es lento',
  },
  neither: {
    en: 'some customers got neither the product nor the circuit breaker’s answer',
    de: 'einige Kunden bekamen weder das Produkt noch die Antwort des Circuit-Breakers',
    es: 'algunos clientes no recibieron ni el producto ni la respuesta del circuito',
  },
  reached: {
    en: '{reached} requests reached the catalogue, {served} customers were served',
    de: '{reached} Anfragen kamen beim Katalog an, {served} Kunden wurden bedient',
    es: '{reached} peticiones llegaron al catálogo, se sirvió a {served} clientes',
  },
  strangerFlag: {
    en: 'the flag of the stranger’s request is another one',
    de: 'das Flag der Anfrage des Fremden ist ein anderes',
    es: 'la marca de la petición del extraño es otra',
  },
  circuitFlag: {
    en: 'the flag of a request that the open circuit stops is another',
    de: 'das Flag einer Anfrage, die der offene Circuit-Breaker aufhält, ist ein anderes',
    es: 'la marca de una petición que para el circuito abierto es otra',
  },
});
