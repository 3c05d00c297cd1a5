-- What wrk sends: `wrk -s requests.lua URL -- KIND IDS [WORDS]`; KIND is get, list, search, write or mix (nine gets, one
-- write). IDS is a file of video ids, WORDS one of words, one a line.
local kind, ids, words, threads, path = "get", {}, {}, 0, wrk.path or ""
local json = { ["Content-Type"] = "application/json" }

local function lines(file)
   local all = {}
   for line in io.lines(file) do all[#all + 1] = line end
   return all
end

function setup(thread)
   threads = threads + 1
   thread:set("number", threads)
   thread:set("seed", os.getenv("SEED") or "1")
end

function init(args)
   kind, ids = args[1], lines(args[2])
   if args[3] then words = lines(args[3]) end
   math.randomseed(tonumber(seed) * 1000 + number)
   written = 0
end

local function get() return wrk.format("GET", "/api/v1/videos/" .. ids[math.random(#ids)]) end

local function write()
   written = written + 1
   local id = string.format("w%s-%d-%d", seed, number, written)
   local body = string.format('{"title": "Written under load %d", "tags": ["load"]}', written)
   return wrk.format("PUT", "/api/v1/videos/" .. id, json, body)
end

local requests = {
   get = get,
   write = write,
   list = function() return wrk.format("GET", "/api/v1/videos?limit=50") end,
   search = function() return wrk.format("GET", "/api/v1/search?limit=20&q=" .. words[math.random(#words)] .. "%20" .. words[math.random(#words)]) end,
   mix = function() return math.random(10) == 1 and write() or get() end,
}

function request() return requests[kind]() end

-- A line of the table: requests a second, p50, p99, the longest, and what did not go well.
function done(summary, latency)
   local e = summary.errors
   local bad = e.connect + e.read + e.write + e.status + e.timeout
   io.write(string.format("%.0f | %.2f | %.2f | %.2f | %d |\n", summary.requests / summary.duration * 1e6,
      latency:percentile(50) / 1000, latency:percentile(99) / 1000, latency.max / 1000, bad))
end
