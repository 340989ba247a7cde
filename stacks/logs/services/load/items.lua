-- wrk -t1 -s items.lua URL -- FIRST: GET /?item=FIRST, and so on, one number a request.
local item

function init(args)
  item = tonumber(args[1]) - 1
end

function request()
  item = item + 1
  return wrk.format("GET", "/?item=" .. item)
end
