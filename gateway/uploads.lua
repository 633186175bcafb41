-- How many large requests may be on their way at once: in all, from an address
-- and of a user. LIMITS comes before this text. It runs after the access token
-- was looked at, so that nobody without one takes a place.
--
-- A place is free again when the answer begins. A request that breaks off tells
-- nobody here, so its place is kept until no request can take longer.

local KEEP = "practice.uploads"

local taken = {}
local count = { all = 0 }
local oldest, newest = 1, 0

local function add(ticket, by)
  count.all = count.all + by
  for _, owner in ipairs({ ticket.address, ticket.user }) do
    local left = (count[owner] or 0) + by
    count[owner] = left > 0 and left or nil
  end
end

local function free(number)
  local ticket = taken[number]
  if ticket ~= nil then
    taken[number] = nil
    add(ticket, -1)
  end
end

local function free_what_is_too_old(now)
  while oldest <= newest and (taken[oldest] == nil or taken[oldest].ends <= now) do
    free(oldest)
    oldest = oldest + 1
  end
end

local function is_large(headers)
  local length = headers:get("content-length")
  if length ~= nil then
    return (tonumber(length) or math.huge) > LIMITS.small
  end
  local method = headers:get(":method")
  return method == "POST" or method == "PUT" or method == "PATCH"
end

-- Without its port. The addresses of one IPv6 network are one.
local function address_of(text)
  local v6 = text:match("^%[(.*)%]")
  if v6 == nil then
    return text:match("^[^:]*")
  end
  local parts = {}
  for part in (v6:match("^(.-)::") or v6):gmatch("%x+") do
    parts[#parts + 1] = part
  end
  return table.concat(parts, ":", 1, math.min(#parts, 4)) .. "::"
end

local function owners(handle)
  local info = handle:streamInfo()
  local verified = info:dynamicMetadata():get("envoy.filters.http.jwt_authn") or {}
  local subject = (verified.payload or {}).sub
  return address_of(info:downstreamRemoteAddress()), subject and "user " .. subject or "nobody"
end

function envoy_on_request(handle)
  if not is_large(handle:headers()) then
    return
  end
  local now = os.time()
  free_what_is_too_old(now)
  local address, user = owners(handle)
  local reached = (count[user] or 0) >= LIMITS.user and "user" or (count[address] or 0) >= LIMITS.address and "address"
  if reached then
    local name = '"uploads ' .. reached .. '"'
    handle:respond({
      [":status"] = "429",
      ["retry-after"] = "5",
      ["ratelimit-policy"] = name .. ";q=" .. LIMITS[reached] .. ';qu="concurrent-requests"',
      ratelimit = name .. ";r=0;t=5",
    }, "")
    return
  end
  if count.all >= LIMITS.all then
    handle:respond({ [":status"] = "503", ["retry-after"] = "5" }, "")
    return
  end
  newest = newest + 1
  taken[newest] = { address = address, user = user, ends = now + LIMITS.seconds }
  add(taken[newest], 1)
  handle:streamInfo():dynamicMetadata():set(KEEP, "number", newest)
end

function envoy_on_response(handle)
  if count.all == 0 then
    return
  end
  local kept = handle:streamInfo():dynamicMetadata():get(KEEP)
  if kept ~= nil then
    free(kept.number)
  end
end
