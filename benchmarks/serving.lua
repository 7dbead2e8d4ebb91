-- Sends the bodies of a file in turn, one per line, and prints every latency in microseconds with its number of samples.
-- wrk has added samples to correct for coordinated omission; serving_load.py removes them.
local requests, thread_number, at, pause = {}, 0, 0, 0
local threads = {}

function setup(thread)
   thread:set("number", thread_number)
   thread_number = thread_number + 1
   table.insert(threads, thread)
end

function init(args)
   -- Formatted once, because wrk shares the server's processors.
   local headers = { ["content-type"] = "application/json" }
   for body in io.lines(args[1]) do table.insert(requests, wrk.format("POST", nil, headers, body)) end
   pause = tonumber(args[2] or "0")
   at = number * 997
   accepted, refused, failed = 0, 0, 0
   math.randomseed(number + 1)
end

function request()
   at = at + 1
   return requests[at % #requests + 1]
end

-- With a pause, each connection waits for an exponentially distributed time between requests.
function delay()
   if pause == 0 then return 0 end
   return math.floor(-pause * math.log(1 - math.random()))
end

function response(status)
   if status == 200 then accepted = accepted + 1
   elseif status == 503 then refused = refused + 1
   else failed = failed + 1 end
end

function done(summary, latency)
   local totals = { accepted = 0, refused = 0, failed = 0 }
   for _, thread in ipairs(threads) do
      for name in pairs(totals) do totals[name] = totals[name] + thread:get(name) end
   end
   local errors = summary.errors
   local lost = errors.connect + errors.read + errors.write + errors.timeout
   io.write(string.format("@ %d %d %d %d %d %d\n", totals.accepted, totals.refused, totals.failed, lost,
      summary.duration, summary.requests))
   for i = 1, #latency do
      local value, times = latency(i)
      io.write(string.format("= %d %d\n", value, times))
   end
end
