/**
 * What load generators send: a thousand requests in turn that differ in query, cookie and agent, as those of many users
 * do. What is remembered of one head is of no use for the next one. The same ones at each run.
 */

/** Of one corpus. */
export const REQUESTS = 1000;

/** The script's place in a load generator's container. */
export const SCRIPT = '/tmp/corpus.lua';

/** The URLs of a corpus: that of one resource, with a query each. */
export const corpusUrls = (url: string): string[] =>
  Array.from({ length: REQUESTS }, (_, each) => `${url}?item=${each}&page=${(each * 7919) % 97}`);

/**
 * The corpus as a script of wrk, for the path and the fields that its command line names. A cookie that is named there
 * goes along in each request.
 * @param queries each request has a query of its own; else they differ in their fields alone
 */
export const corpusScript = (queries: boolean): string => `
local requests, at = {}, 0
function init(args)
  local path, cookie = wrk.path, wrk.headers["Cookie"]
  for each = 0, ${REQUESTS - 1} do
    local own = string.format("visitor=%08x; seen=%d", (each * 2654435761) % 4294967296, (each * 31) % 1009)
    wrk.headers["Cookie"] = cookie and (cookie .. "; " .. own) or own
    wrk.headers["User-Agent"] = string.format("Mozilla/5.0 (X11; Linux x86_64; rv:%d.0) Gecko/20100101 Firefox/%d.%d", 90 + each % 50, 90 + each % 50, each % 7)
    wrk.headers["Accept-Language"] = string.format("en-GB,en;q=0.%d", 1 + each % 9)
    local query = ${queries ? 'string.format("?item=%d&page=%d", each, (each * 7919) % 97)' : '""'}
    requests[each] = wrk.format(nil, path .. query)
  end
end
function request()
  at = (at + 1) % ${REQUESTS}
  return requests[at]
end
`;
