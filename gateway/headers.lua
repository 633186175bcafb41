-- What is looked at in a request's headers before anybody reads them.

-- Nobody acts on these, so what cannot be read of them is left out.
local UNIMPORTANT = { ["user-agent"] = true, referer = true }

local LONGEST_REQUEST_ID = 128

math.randomseed(os.time() + tonumber(tostring({}):match("0x(%x+)"), 16) % 2 ^ 31)

-- What is wrong with the headers, as `name: words`, or nil. gRPC takes values
-- of printable ASCII, and writes any others into its log as they came.
local function fault_in_headers(headers)
  local left_out, fault = {}, nil
  for name, value in pairs(headers) do
    if value:find("[^\32-\126]") then
      if UNIMPORTANT[name] then
        left_out[#left_out + 1] = name
      else
        fault = fault or name:gsub("^:", "") .. ": only printable ASCII characters are taken here"
      end
    end
  end
  for _, name in ipairs(left_out) do
    headers:remove(name)
  end
  if (headers:get(":authority") or ""):find(",", 1, true) then
    fault = fault or "host: one is taken"
  end
  return fault
end

-- Keeps the id of a request when it is one that can be looked for, and gives it another one otherwise.
local function settle_request_id(headers)
  local id = headers:get("x-request-id") or ""
  if #id == 0 or #id > LONGEST_REQUEST_ID or id:find("[^%w._-]") then
    local digits = ("xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx"):gsub("x", function()
      return ("%x"):format(math.random(0, 15))
    end)
    headers:replace("x-request-id", digits)
  end
end
