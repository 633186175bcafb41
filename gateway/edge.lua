-- What the gateway does to a request before and to a response after the JSON
-- transcoder. These come before this text: PRODUCTS, the path prefixes of the
-- products; BODIES, the body of a refusal per product and status; REASONS, its
-- reason per status; CODES, the names of gRPC's statuses by number; INFO and
-- HELP, details of a canonical error; TOKEN_HEADER, without which nobody is
-- told what is served ("" where everybody is); paths.lua and headers.lua.

local KEEP = "practice.edge"

-- The metadata with which a service sets the response of a product.
local STATUS, BODY = "x-practice-status", "x-practice-body"
-- Why a call was refused: a name of practice.errors.v1.ErrorReason.
local REASON = "x-practice-reason"

-- The message of a good status says what would cost the service a write of its own as headers.
local MESSAGE = "grpc-message"
local TOLD = { ["user-seq"] = "x-practice-user-seq", etag = "etag" }

-- Set by local_reply_config: on every answer of Envoy's own, and on what could
-- not be read, where the body has the parser's words.
local OWN, UNREAD = "x-content-type-options", "x-practice-unread"

-- What a service says in trailers and an HTTP client reads in headers.
local PROMOTED = { "retry-after", "ratelimit", "ratelimit-policy", "etag", REASON }

-- The methods whose bodies the transcoder reads.
local WITH_BODY = { POST = true, PUT = true, PATCH = true }

-- A longer reason quotes more of the request than it explains.
local LONGEST_REASON = 300

local TYPES = {
  TYPE_BOOL = "true or false", TYPE_STRING = "a text", TYPE_ENUM = "one of the known values",
  TYPE_DOUBLE = "a number", TYPE_FLOAT = "a number", TYPE_INT32 = "a valid integer", TYPE_INT64 = "a valid integer",
}

-- A product's prefix without its last slash is the product's path as well.
local function product_of(path)
  local whole = path:match("^[^?]*") .. "/"
  for _, product in ipairs(PRODUCTS) do
    if whole:sub(1, #product.prefix) == product.prefix then
      return product
    end
  end
  return PRODUCTS[#PRODUCTS]
end

local function take(headers, name)
  local value = headers:get(name)
  if value ~= nil then
    headers:remove(name)
  end
  return value
end

local function set_body(handle, text)
  local length = handle:body(true):setBytes(text)
  handle:headers():replace("content-length", tostring(length))
  handle:headers():replace("content-type", "application/json")
end

-- The reason of a refusal that says none.
local function reason_of(status)
  return REASONS[status] or (tonumber(status) >= 500 and "INTERNAL" or "REQUEST_MALFORMED")
end

local function set_status(headers, status)
  headers:replace(":status", status)
  if status == "401" then
    -- Envoy's own names the whole URL, and services name nothing.
    headers:replace("www-authenticate", "Bearer")
  end
end

-- The transcoder's reason for a 400 when it names a query parameter that does
-- not exist, or a field and a value of the wrong type, as JSON text without
-- quotes and in words instead of protobuf types. nil for every other reason:
-- those are the parser's own words, quote the request at length, or are escaped
-- byte by byte ("\u0022") because what they quote is no UTF-8.
local function reason_in(body)
  local unknown = body:match('"message":"Could not find field \\"([%w_]+)\\" in the type')
  if unknown ~= nil then
    return unknown .. ": no such field"
  end
  local field, value, kind = body:match('"message":"([%w_%.%[%]]+): invalid value (.*) for type (TYPE_[%u%d]+)"}%s*$')
  if field == nil or value:find("\\u00", 1, true) then
    return nil
  end
  local reason = field .. ": " .. value .. " is not " .. (TYPES[kind] or "allowed")
  return #reason <= LONGEST_REASON and reason or nil
end

-- Where a field that cannot be read came from: the query, the path or else the body.
local function place_of(field, message, path)
  local query = path:match("%?(.*)$")
  if query ~= nil and ("&" .. query):find("&" .. field .. "=", 1, true) then
    return "query"
  end
  local value = message:match('^\\"(.-)\\" is not')
  if value ~= nil and (path:match("^[^?]*") .. "/"):find("/" .. value .. "/", 1, true) then
    return "path"
  end
  return "body"
end

-- A reason such as `field: what is wrong`, apart: a JSON array that leads to
-- the field, and what is wrong with it.
local function located(reason, path)
  local field, message = reason:match("^([%a_][%w_%.]*): (.+)$")
  if field == nil then
    return '["body"]', reason
  end
  return '["' .. place_of(field, message, path) .. '","' .. field:gsub("%.", '","') .. '"]', message
end

-- The body of a 400 that says what is wrong, and where.
local function explained(product, reason, places)
  local text = BODIES[product.name].explained
  -- As functions, so that a "%" in the reason stays one.
  return (text:gsub('"@location@"', function() return places end):gsub("@reason@", function() return reason end))
end

-- The body of a refusal; a status without words of its own becomes a 500.
-- `fault` is what paths.lua found in the query, or headers.lua in the headers: `place` says where.
local function refusal(product, status, path, body, method, fault, place)
  local with_place = BODIES[product.name].explained:find('"@location@"', 1, true)
  if fault ~= nil then
    local name, words = fault:match("^(.-): (.*)$")
    return product.malformed, explained(product, with_place and words or fault, '["' .. place .. '","' .. name .. '"]')
  end
  if status == "400" then
    local in_transcoder = body ~= nil and body:find("grpc_json_transcode", 1, true)
    local reason = in_transcoder and reason_in(body)
    if not reason then
      local unreadable = in_transcoder and WITH_BODY[method]
      return product.malformed, BODIES[product.name][unreadable and "unreadable" or "malformed"]
    end
    local places = nil
    if with_place then
      places, reason = located(reason, path)
    end
    return product.malformed, explained(product, reason, places)
  end
  if BODIES[product.name][status] == nil then
    status = "500"
  end
  return status, BODIES[product.name][status]
end

-- Refuses what no method is there for, before anybody asks for a token. What
-- is wrong with a query is said once the token is known to be good.
local function check_path(handle, headers, kept, path, method)
  if TOKEN_HEADER ~= "" and headers:get(TOKEN_HEADER) == nil then
    return
  end
  local rule, allowed = served(path, method)
  if rule ~= nil then
    local fault = fault_in_query(rule, path)
    if fault ~= nil then
      kept:set(KEEP, "fault", fault)
    elseif rule.events and (headers:get("accept") or ""):lower():find("text/event-stream", 1, true) then
      kept:set(KEEP, "events", true)
    end
  elseif allowed == nil then
    handle:respond({ [":status"] = "404" }, "")
  else
    local status = method == "OPTIONS" and "204" or "405"
    handle:respond({ [":status"] = status, allow = allowed .. ", OPTIONS" }, "")
  end
end

-- A body of `null` is no body. One that is longer than this says something else.
local LONGEST_NULL = 64

-- Takes such a body away. What waits for a body makes the objects of before unusable: call it last.
local function drop_null(handle, headers)
  local length = tonumber(headers:get("content-length") or "")
  if not WITH_BODY[headers:get(":method")] or length == nil or length < 4 or length > LONGEST_NULL then
    return
  end
  local sent = handle:body()
  if sent ~= nil and sent:getBytes(0, sent:length()):match("^%s*null%s*$") then
    sent:setBytes("")
    handle:headers():replace("content-length", "0")
  end
end

function envoy_on_request(handle)
  local headers = handle:headers()
  local path = headers:get(":path") or "/"
  local method = headers:get(":method")
  local kept = handle:streamInfo():dynamicMetadata()
  -- As one: each that is kept has its price.
  kept:set(KEEP, "call", method .. " " .. path)

  local media_type = headers:get("content-type")
  if media_type ~= nil and media_type:lower():find("^application/grpc") then
    -- Envoy answers a gRPC call in gRPC's way; envoy_on_response makes it JSON.
    kept:set(KEEP, "native", true)
    handle:respond({ [":status"] = "415" }, "")
    return
  end

  settle_request_id(headers)
  local fault = fault_in_headers(headers)
  if fault ~= nil then
    kept:set(KEEP, "fault", fault)
    kept:set(KEEP, "place", "header")
    handle:respond({ [":status"] = "400" }, "")
    return
  end

  -- A scheme is the same in any case (RFC 9110), and one spelling is what
  -- every reader of the header after this knows.
  local authorization = headers:get("authorization") or ""
  if not authorization:find("^Bearer [^ ]") then
    local scheme, token = authorization:match("^(%a+) +(.*)$")
    if scheme ~= nil and scheme:lower() == "bearer" then
      headers:replace("authorization", "Bearer " .. token)
    end
  end

  local bare, query = path:match("^(/[^?]*[^/?])/+(%??.*)$")
  if bare ~= nil and (query == "" or query:sub(1, 1) == "?") then
    headers:replace(":path", bare .. query)
  end
  check_path(handle, headers, kept, path, method)
  drop_null(handle, headers)
end

-- Waiting for a body or for trailers makes the objects of before unusable, so
-- each function below asks the handle again after it waited.

-- What could not be read: local_reply_config left the parser's words in the
-- body. An answer to HEAD has none and gets none.
local function explain(handle, path, kept)
  local sent = handle:body()
  local text = sent and sent:getBytes(0, sent:length()) or ""
  local status, body = refusal(product_of(path), "400", path, text, kept.method, kept.fault, kept.place or "query")
  handle:headers():replace(REASON, reason_of("400"))
  handle:headers():replace(":status", status)
  if sent ~= nil then
    set_body(handle, body)
  end
end

-- A service's google.rpc.Status as HTTP shows it (AIP-193), nil for what is none. The transcoder writes its
-- fields in this order; within a text a quote has a backslash before it.
local function canonical_error(text, status, reason)
  local number, message, details = text:match('^{"code":(%d+),"message":"(.-)","details":%[(.*)%]}%s*$')
  local name = CODES[number or ""]
  if name == nil then
    return nil
  end
  if details == "" then
    details = INFO:gsub("@reason@", reason)
  end
  local help = HELP:gsub("@anchor@", reason:lower())
  return ('{"error":{"code":%s,"message":"%s","status":"%s","details":[%s,%s]}}'):format(
    status, message, name, details, help
  )
end

-- A service's error. The metadata is in the headers when gRPC sent nothing but
-- trailers, and else in the trailers, which follow the body.
local function shape_error(handle, kept, status, body)
  local sent = handle:body(true)
  local text = sent:getBytes(0, sent:length())
  local trailers = handle:trailers()
  local headers = handle:headers()
  if trailers ~= nil then
    status, body = status or trailers:get(STATUS), body or trailers:get(BODY)
    for _, name in ipairs(PROMOTED) do
      if trailers:get(name) ~= nil then
        headers:replace(name, trailers:get(name))
      end
    end
  end
  local path = kept.path or "/"
  local product = product_of(path)
  local code = headers:get(":status")
  -- An error of the canonical API says why in its details.
  local unexplained = text == "" or text:find('"details":[]', 1, true) and BODIES[product.name][code]
  -- A status alone says that the body is as it is to be: the bridge's is.
  if body == nil and status == nil and (product.name ~= "canonical" or unexplained) then
    -- The service had no say in it: its gRPC library refused the call.
    status, body = refusal(product, code, path)
  end
  local reason = headers:get(REASON) or reason_of(status or code)
  headers:replace(REASON, reason)
  if body == nil and status == nil then
    body = canonical_error(text, code, reason)
  end
  set_status(headers, status or code)
  if body ~= nil then
    set_body(handle, body)
  end
end

-- Nothing at the edge speaks gRPC: a native call gets JSON, however early it was refused.
local function refuse_native(handle, path)
  local status, body = refusal(product_of(path), "415", path)
  handle:headers():replace(REASON, reason_of(status))
  set_status(handle:headers(), status)
  set_body(handle, body)
end

local function answer_with(handle, status)
  handle:headers():replace(":status", status)
  if status == "204" then
    handle:body(true):setBytes("")
    local headers = handle:headers()
    headers:remove("content-length")
    headers:remove("content-type")
  end
end

-- Makes headers of what a service says in the message of a good status; returns the status it asks for.
local function take_message(headers)
  local status = nil
  for name, value in (headers:get(MESSAGE) or ""):gmatch("([^%s=]+)=(%S+)") do
    if name == "status" then
      status = value
    elseif TOLD[name] ~= nil then
      headers:replace(TOLD[name], value)
    end
  end
  return status
end

-- What envoy_on_request kept. Of what went well nobody asks for it.
local function recall(handle)
  local kept = handle:streamInfo():dynamicMetadata():get(KEEP) or {}
  if kept.call ~= nil then
    kept.method, kept.path = kept.call:match("^(%S*) (.*)$")
  end
  return kept
end

function envoy_on_response(handle)
  local headers = handle:headers()
  local unread = take(headers, UNREAD)
  local status, body = take(headers, STATUS), take(headers, BODY)
  local code = headers:get(":status")
  local in_grpc = (headers:get("content-type") or ""):find("^application/grpc")
  local kept = (in_grpc or tonumber(code) >= 400) and recall(handle) or {}
  if kept.native or in_grpc and kept.path == nil then
    refuse_native(handle, kept.path or "/")
  elseif unread ~= nil then
    explain(handle, kept.path or "/", kept)
  elseif headers:get(OWN) ~= nil then
    return
  elseif tonumber(code) >= 400 then
    if kept.method ~= "HEAD" then
      shape_error(handle, kept, status, body)
    end
  else
    status = status or take_message(headers)
    if status ~= nil then
      answer_with(handle, status)
    elseif headers:get("content-type") == "application/json" and headers:get("content-length") == nil then
      -- The length is known of everything but a stream, which has a line for each message.
      headers:replace("content-type", "application/x-ndjson")
    end
  end
end
